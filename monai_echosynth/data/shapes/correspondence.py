"""From label maps to arrays of corresponding points, with a reason for each map that does not fit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from monai_echosynth.data.label_table import LabelTable
from monai_echosynth.data.shapes.adjacency import touch_frequency
from monai_echosynth.data.shapes.arcs import IrregularShape, choose_contacts
from monai_echosynth.data.shapes.landmarks import CutShape, cut_shape, place_landmarks, plan_layout
from monai_echosynth.data.shapes.layout import ShapeLayout
from monai_echosynth.data.shapes.outlines import outlines_of, structures_of
from monai_echosynth.errors import EchoSynthError

__all__ = ["MIN_MAPS", "Correspondence", "ShapeMap", "check_map", "correspond", "find_layout"]

MIN_MAPS = 8
"""Fewest maps that a shape model is fitted on."""


class ShapeMap(NamedTuple):
    """One label map.

    Attributes:
        label: (X, Y) ids of a semantic table.
        spacing: pixel size along x and y, mm.
        name: file or key named in errors.
        group: patient; maps of one group are held out together.
    """

    label: NDArray[Any]
    spacing: tuple[float, float]
    name: str
    group: str


class Correspondence(NamedTuple):
    """Points of the maps that fit a layout.

    Attributes:
        points: (N, L, 2), mm.
        kept: positions of the N maps in the list.
        left_out: name and reason of the others.
    """

    points: NDArray[np.float64]
    kept: tuple[int, ...]
    left_out: tuple[tuple[str, str], ...]


def check_map(item: ShapeMap, table: LabelTable) -> None:
    """Raises EchoSynthError naming the map when an id is unknown, a structure is missing or the spacing is not positive."""
    table.check(item.label, item.name)
    present = set(np.unique(item.label).tolist())
    missing = [name for name in structures_of(table) if table.id_of(name) not in present]
    if missing:
        raise EchoSynthError(
            f"each map of a shape model needs all structures of the table '{table.name}', got no {', '.join(missing)} in"
            f" {item.name}: annotate it or leave the file out"
        )
    if len(item.spacing) != 2 or not all(np.isfinite(s) and s > 0 for s in item.spacing):
        raise EchoSynthError(
            f"pixel sizes must be positive, got {item.spacing} in {item.name}: correct the file's header"
        )


def find_layout(maps: Sequence[ShapeMap], table: LabelTable, step: float = 3.0) -> ShapeLayout:
    """Learns from maps which structures touch and how many points each arc gets.

    Args:
        maps: at least :data:`MIN_MAPS` label maps.
        table: semantic table of all of them.
        step: average distance of neighboring points, mm.

    Raises:
        EchoSynthError: there are too few maps, one is bad, or hardly any has simple contacts.
    """
    if len(maps) < MIN_MAPS:
        raise EchoSynthError(
            f"a shape model needs at least {MIN_MAPS} label maps, got {len(maps)}: give it more frames"
        )
    for item in maps:
        check_map(item, table)
    outlines = outlines_of(table)
    frequency = touch_frequency((item.label for item in maps), table, structures_of(table))
    contacts = choose_contacts(frequency, outlines)
    shapes: list[CutShape] = []
    reasons: list[str] = []
    for item in maps:
        try:
            shapes.append(cut_shape(item.label, item.spacing, table, outlines, contacts))
        except IrregularShape as reason:
            reasons.append(str(reason))
    if len(shapes) < MIN_MAPS:
        raise EchoSynthError(
            f"a shape model needs at least {MIN_MAPS} maps with simple contacts, got {len(shapes)} of {len(maps)}"
            f" (first reason: {reasons[0]}): check the annotations"
        )
    return plan_layout(shapes, outlines, contacts, step)


def correspond(maps: Sequence[ShapeMap], table: LabelTable, layout: ShapeLayout) -> Correspondence:
    """Places the points of a layout on maps.

    Raises:
        EchoSynthError: a map is bad; maps that are sound but do not fit the layout are left out and listed.
    """
    points, kept, left_out = [], [], []
    for position, item in enumerate(maps):
        check_map(item, table)
        try:
            shape = cut_shape(item.label, item.spacing, table, layout.outlines, layout.contacts)
            points.append(place_landmarks(shape, layout))
            kept.append(position)
        except IrregularShape as reason:
            left_out.append((item.name, str(reason)))
    stacked = np.stack(points) if points else np.empty((0, layout.size, 2))
    return Correspondence(stacked, tuple(kept), tuple(left_out))
