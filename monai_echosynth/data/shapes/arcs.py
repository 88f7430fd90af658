"""Cuts contours at anatomical points: the ends of the contacts between structures, such as the corners of a valve plane.

A *contact* is a pair of labels that touch in nearly every map and whose border lies on at least two curves: the mitral plane
(cavity against atrium) lies on the curves of the cavity, of the filled wall and of the atrium; the border between wall and
cavity lies on one curve only and needs no landmark. Along each curve the contacts are arcs, and what lies between them is free:

    curve = contact 1, free 1, contact 2, free 2, ...            (cyclic, counterclockwise)

A contact is the shortest arc that holds all edges between its two labels, so small gaps in it (a stray pixel at a valve) close.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monai_echosynth.data.label_table import LabelTable
from monai_echosynth.data.shapes.adjacency import Pair
from monai_echosynth.data.shapes.contours import Contour, largest_region, trace
from monai_echosynth.data.shapes.outlines import Outline

__all__ = ["CutContour", "IrregularShape", "choose_contacts", "cut_contour", "sees"]


class IrregularShape(Exception):
    """A map whose contacts do not lie as in the others; it is left out of the model with this reason."""


@dataclass(frozen=True)
class CutContour:
    """Contour of one curve and where its contacts lie.

    Attributes:
        contour: closed chain of edges.
        order: contacts met along the chain, beginning with the first in the list of contacts; empty when none.
        arcs: first and past-the-last edge of each of them; edges count modulo the length of the chain.
    """

    contour: Contour
    order: tuple[Pair, ...]
    arcs: tuple[tuple[int, int], ...]


def sees(outline: Outline, contact: Pair) -> bool:
    """True when the border between the two labels lies on the curve: one is inside and the other is not."""
    return (contact[0] in outline.labels) != (contact[1] in outline.labels)


def choose_contacts(
    frequency: dict[Pair, float], outlines: Sequence[Outline], agreement: float = 0.95
) -> tuple[Pair, ...]:
    """Pairs that touch in at least ``agreement`` of the maps and whose border lies on two curves or more."""
    return tuple(
        pair
        for pair, share in frequency.items()
        if share >= agreement and sum(sees(outline, pair) for outline in outlines) > 1
    )


def cut_contour(label: NDArray[Any], table: LabelTable, outline: Outline, contacts: Sequence[Pair]) -> CutContour:
    """Traces one curve of a map and finds its contacts.

    Raises:
        IrregularShape: a contact is missing, goes all around, or overlaps another one.
    """
    contour = trace(largest_region(outline.mask(label, table)))
    inner, outer = contour.sides(label, table.id_of("outside"))
    arcs = []
    for contact in (pair for pair in contacts if sees(outline, pair)):
        first, second = (table.id_of(name) for name in contact)
        edges = ((inner == first) & (outer == second)) | ((inner == second) & (outer == first))
        arcs.append((contact, *_cover(edges, f"{contact[0]} and {contact[1]}")))
    if not arcs:
        return CutContour(contour, (), ())
    origin, length = arcs[0][1], len(contour)
    turned = sorted((((start - origin) % length, stop - start, pair) for pair, start, stop in arcs))
    for (begin, size, pair), (following, _, other) in zip(
        turned, [*turned[1:], (length, 0, turned[0][2])], strict=True
    ):
        if begin + size > following:
            raise IrregularShape(
                f"contacts {'-'.join(pair)} and {'-'.join(other)} overlap on the outline of {outline.name}"
            )
    return CutContour(
        contour,
        tuple(pair for _, _, pair in turned),
        tuple((begin + origin, begin + origin + size) for begin, size, _ in turned),
    )


def _cover(edges: NDArray[np.bool_], names: str) -> tuple[int, int]:
    """Shortest cyclic arc (start, stop) that holds all True edges: what the largest run of False edges leaves."""
    at = np.flatnonzero(edges)
    if len(at) == 0:
        raise IrregularShape(f"{names} do not touch")
    if len(at) == len(edges):
        raise IrregularShape(f"{names} touch all around")
    gaps = np.diff(np.append(at, at[0] + len(edges)))
    widest = int(gaps.argmax())
    start = int(at[(widest + 1) % len(at)])
    stop = int(at[widest]) + 1
    return start, stop if stop > start else stop + len(edges)
