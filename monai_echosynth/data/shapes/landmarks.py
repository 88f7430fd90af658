"""Corresponding points on the structures of label maps.

The ends of the contacts (valve corners and the like) are anatomical landmarks. A free arc between two of them is halved where
it is farthest from the middle of its ends, which is the apex of a ventricle and the roof of an atrium; each half and each contact
then get points at equal steps of arc length. With the distance d from that middle, the place is the mean arc length under the
weight d^24: the single farthest point would jump from corner to corner of an atrium that the sector's edge cuts flat. A curve
without contacts starts where the ray from its center towards the center of all structures meets it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monai_echosynth.data.label_table import LabelTable
from monai_echosynth.data.shapes.adjacency import Pair
from monai_echosynth.data.shapes.arcs import CutContour, IrregularShape, cut_contour, sees
from monai_echosynth.data.shapes.contours import arc_length, at_length, resample
from monai_echosynth.data.shapes.layout import ShapeLayout, owner
from monai_echosynth.data.shapes.outlines import Outline

__all__ = ["CutShape", "cut_shape", "place_landmarks", "plan_layout"]

Points = NDArray[np.float64]

_SHARPNESS = 24
"""Power of the distance that weighs the points of a free arc."""

_MISFIT = 2.0
"""Two curves of a map may see the end of their contact this many pixels apart."""


@dataclass(frozen=True)
class CutShape:
    """The arcs of one map, mm.

    Attributes:
        orders: contacts along each curve.
        contacts: polyline of each contact, in its owner's direction.
        free: polylines between the contacts of each curve; the whole closed curve where it has none.
    """

    orders: Mapping[str, tuple[Pair, ...]]
    contacts: Mapping[Pair, Points]
    free: Mapping[str, tuple[Points, ...]]


def cut_shape(
    label: NDArray[Any],
    spacing: tuple[float, float],
    table: LabelTable,
    outlines: tuple[Outline, ...],
    contacts: Sequence[Pair],
) -> CutShape:
    """Traces and cuts all curves of a label map (X, Y).

    Raises:
        IrregularShape: the contacts of this map are not simple arcs.
    """
    cuts = {outline.name: cut_contour(label, table, outline, contacts) for outline in outlines}
    shared = {}
    for contact in contacts:
        cut = cuts[owner(contact, outlines).name]
        shared[contact] = cut.contour.polyline(*cut.arcs[cut.order.index(contact)], spacing)
        for outline in outlines:
            if sees(outline, contact):
                _check_ends(cuts[outline.name], contact, shared[contact], spacing)
    middle = np.mean(np.argwhere(np.any([o.mask(label, table) for o in outlines], axis=0)), axis=0) * spacing
    free = {name: _free_arcs(cut, middle, spacing) for name, cut in cuts.items()}
    return CutShape({name: cut.order for name, cut in cuts.items()}, shared, free)


def _check_ends(cut: CutContour, contact: Pair, shared: Points, spacing: tuple[float, float]) -> None:
    own = cut.contour.polyline(*cut.arcs[cut.order.index(contact)], spacing)
    ends, others = own[[0, -1]], shared[[0, -1]]
    apart = min(float(np.abs(ends - others).max()), float(np.abs(ends[::-1] - others).max()))
    if apart > _MISFIT * max(spacing):
        raise IrregularShape(f"the contact of {contact[0]} and {contact[1]} is not one line")


def _free_arcs(cut: CutContour, middle: Points, spacing: tuple[float, float]) -> tuple[Points, ...]:
    if not cut.order:
        whole = cut.contour.polyline(0, 0, spacing)
        center = whole[:-1].mean(axis=0)
        directions = whole - center
        toward = middle - center if np.linalg.norm(middle - center) > 1e-6 else np.array([0.0, -1.0])
        cosine = directions @ toward / np.maximum(np.linalg.norm(directions, axis=1), 1e-9)
        start = int(cosine[1:-1].argmax())  # middle of this edge
        turned = np.roll(whole[1:-1], -start, axis=0)
        return (np.concatenate([turned, turned[:1]]),)
    stops = [stop for _, stop in cut.arcs]
    starts = [start for start, _ in cut.arcs[1:]] + [cut.arcs[0][0] + len(cut.contour)]
    corners = cut.contour
    return tuple(
        corners.polyline(stop, start, spacing) if start > stop else corners.polyline(stop, stop + 1, spacing)[:1]
        for stop, start in zip(stops, starts, strict=True)
    )


def plan_layout(
    shapes: Sequence[CutShape], outlines: tuple[Outline, ...], contacts: tuple[Pair, ...], step: float
) -> ShapeLayout:
    """Layout whose points lie about ``step`` mm apart on average; the order of contacts is the most frequent one."""
    orders = {o.name: Counter(shape.orders[o.name] for shape in shapes).most_common(1)[0][0] for o in outlines}
    usual = [shape for shape in shapes if dict(shape.orders) == orders] or list(shapes)
    contact_points = tuple(_count([shape.contacts[pair] for shape in usual], step) + 1 for pair in contacts)
    free_points = {}
    for outline in outlines:
        arcs = list(zip(*(shape.free[outline.name] for shape in usual), strict=True))
        halves = [max(1, _count(polylines, 2 * step)) for polylines in arcs]
        free_points[outline.name] = tuple(2 * half - 1 if orders[outline.name] else 2 * half for half in halves)
    return ShapeLayout(outlines, contacts, orders, contact_points, free_points)


def _count(polylines: Sequence[Points], step: float) -> int:
    lengths = [float(arc_length(polyline)[-1]) for polyline in polylines]
    return max(1, round(float(np.mean(lengths)) / step))


def place_landmarks(shape: CutShape, layout: ShapeLayout) -> Points:
    """Points (L, 2) of one map, mm.

    Raises:
        IrregularShape: the contacts follow one another in another order than in the layout.
    """
    points = np.empty((layout.size, 2))
    for contact, index in layout.contact_index.items():
        points[index] = resample(shape.contacts[contact], len(index))
    for outline in layout.outlines:
        order = layout.orders[outline.name]
        if shape.orders[outline.name] != order:
            raise IrregularShape(f"the contacts on the outline of {outline.name} come in another order")
        for polyline, index in zip(shape.free[outline.name], layout.free_index[outline.name], strict=True):
            points[index] = _halves(polyline, len(index)) if order else resample(polyline, len(index) + 1)[:-1]
    return points


def _halves(polyline: Points, count: int) -> Points:
    """``count`` (odd) inner points: the farthest place from the middle of the ends, and equal steps on both sides of it."""
    length = arc_length(polyline)
    away = np.linalg.norm(polyline - (polyline[0] + polyline[-1]) / 2, axis=1)
    weight = (away / max(float(away.max()), 1e-9)) ** _SHARPNESS * np.gradient(length) if len(polyline) > 1 else away
    far = float(weight @ length) / max(float(weight.sum()), 1e-9)
    half = (count + 1) // 2
    at = np.concatenate([np.linspace(0.0, far, half + 1)[1:], np.linspace(far, length[-1], half + 1)[1:-1]])
    return at_length(polyline, at)
