"""Fits everything a sampler needs on label maps: points, modes, poses, rules and sectors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from monai_echosynth.data.builtin_labels import OUTSIDE
from monai_echosynth.data.label_table import LabelTable
from monai_echosynth.data.shapes.anatomy_rules import learn_rules
from monai_echosynth.data.shapes.correspondence import MIN_MAPS, Correspondence, ShapeMap, correspond, find_layout
from monai_echosynth.data.shapes.map_sampler import Sector
from monai_echosynth.data.shapes.procrustes import Alignment
from monai_echosynth.data.shapes.rasterize import sector_anchor
from monai_echosynth.data.shapes.shape_file import FittedShapes
from monai_echosynth.data.shapes.shape_model import fit_shape_model
from monai_echosynth.errors import EchoSynthError

__all__ = ["ShapeFit", "anchored", "fit_shapes"]


class ShapeFit(NamedTuple):
    """Result of a fit.

    Attributes:
        fitted: what is stored.
        points: (N, L, 2) points of the maps that were used, mm from the anchors of their sectors.
        groups: patients of these maps.
        left_out: name and reason of the maps that were not.
    """

    fitted: FittedShapes
    points: NDArray[np.float64]
    groups: tuple[str, ...]
    left_out: tuple[tuple[str, str], ...]


def fit_shapes(
    maps: Sequence[ShapeMap],
    table: LabelTable,
    *,
    alignment: Alignment = Alignment.RIGID,
    variance: float = 0.95,
    step: float = 3.0,
) -> ShapeFit:
    """Fits a shape model on semantic label maps.

    Args:
        maps: maps of one grid, all structures in each.
        table: their label table.
        alignment: whether size is a part of the shape (in mm) or of the pose.
        variance: share of the variance whose modes new shapes use, 0..1.
        step: average distance of neighboring points, mm.

    Raises:
        EchoSynthError: too few maps, a bad map (named), different grids, or ``variance`` out of range.
    """
    if not 0 < variance <= 1:
        raise EchoSynthError(f"new shapes use a share of the variance in (0, 1], got {variance}: use 0.95")
    layout = find_layout(maps, table, step)
    grids = {item.label.shape: item.name for item in maps}
    if len(grids) > 1:
        kinds = ", ".join(f"{shape[0]} x {shape[1]} in {name}" for shape, name in list(grids.items())[:2])
        raise EchoSynthError(f"maps of a shape model must have one grid, got {kinds}: prepare them together")
    found = correspond(maps, table, layout)
    if len(found.kept) < MIN_MAPS:
        raise EchoSynthError(
            f"a shape model needs at least {MIN_MAPS} maps alike in topology, got {len(found.kept)} of {len(maps)}"
            f" (first reason: {found.left_out[0][1]}): check the annotations"
        )
    used = [maps[position] for position in found.kept]
    points = anchored(found, maps, table)
    model = fit_shape_model(points, layout, alignment)
    rules = learn_rules([item.label for item in used], table)
    sectors = tuple(Sector(item.label != table.id_of(OUTSIDE), item.spacing) for item in used)
    fitted = FittedShapes(model, rules, sectors, model.modes_for(variance))
    return ShapeFit(fitted, points, tuple(item.group for item in used), found.left_out)


def anchored(found: Correspondence, maps: Sequence[ShapeMap], table: LabelTable) -> NDArray[np.float64]:
    """Points of a correspondence, measured from the anchor of each map's sector."""
    items = [maps[position] for position in found.kept]
    anchors = [sector_anchor(item.label != table.id_of(OUTSIDE), item.spacing) for item in items]
    return found.points - np.array(anchors).reshape(-1, 1, 2)
