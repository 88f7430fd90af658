"""Tells whether a label map shows a possible heart: a list of violations in words, empty for a valid map."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from monai_echosynth.data.builtin_labels import OUTSIDE
from monai_echosynth.data.label_table import LabelTable
from monai_echosynth.data.shapes.adjacency import shared_edges
from monai_echosynth.data.shapes.anatomy_rules import (
    AXES,
    AnatomyRules,
    area_shares,
    bare_share,
    basic_rules,
    is_cut,
)
from monai_echosynth.data.shapes.outlines import structures_of

__all__ = ["check_anatomy"]


def check_anatomy(
    label: NDArray[Any], rules: AnatomyRules | LabelTable, sector: NDArray[np.bool_] | None = None
) -> list[str]:
    """Checks one semantic label map.

    Every structure must be present, 4-connected and without holes; the sector must be one piece without holes and hold all
    structures; and the rules of the table must be obeyed.

    Args:
        label: (X, Y) ids of the table.
        rules: rules of a table; a table alone stands for its :func:`~monai_echosynth.data.shapes.anatomy_rules.basic_rules`.
        sector: (X, Y) the sector that the map was drawn for; by default whatever is not ``outside``.

    Returns:
        One sentence a violation.
    """
    rules = basic_rules(rules) if isinstance(rules, LabelTable) else rules
    unknown = rules.table.unknown_ids(label)
    if unknown:
        return [f"ids {unknown} are not in the table '{rules.table.name}'"]
    found = list(_sector(label, rules.table, sector))
    missing = [name for name in structures_of(rules.table) if not (label == rules.table.id_of(name)).any()]
    if missing:
        return [*found, *(f"{name} is missing" for name in missing)]
    return [*found, *_pieces(label, rules.table), *_neighbors(label, rules), *_proportions(label, rules)]


def _sector(label: NDArray[Any], table: LabelTable, sector: NDArray[np.bool_] | None) -> Iterator[str]:
    inside = label != table.id_of(OUTSIDE)
    if sector is not None and not np.array_equal(inside, sector):
        yield f"the map differs from its sector in {int(np.count_nonzero(inside != sector))} pixels"
    pieces = ndimage.label(inside)[1]
    if pieces != 1:
        yield f"the sector has {pieces} pieces"
    if (ndimage.binary_fill_holes(inside) != inside).any():
        yield "the sector has a hole"


def _pieces(label: NDArray[Any], table: LabelTable) -> Iterator[str]:
    for name in structures_of(table):
        mask = label == table.id_of(name)
        pieces = ndimage.label(mask)[1]
        if pieces != 1:
            yield f"{name} has {pieces} pieces"
        if (ndimage.binary_fill_holes(mask) != mask).any():
            yield f"{name} has a hole"


def _neighbors(label: NDArray[Any], rules: AnatomyRules) -> Iterator[str]:
    shared = {frozenset(pair) for pair in shared_edges(label, rules.table)}
    yield from (f"{a} does not touch {b}" for a, b in rules.touching if frozenset((a, b)) not in shared)
    yield from (f"{a} touches {b}" for a, b in rules.apart if frozenset((a, b)) in shared)
    for name, limit in rules.bare.items():
        share = bare_share(label, rules.table, name)
        if share > limit:
            yield f"{name} is open: {share:.0%} of its border faces no structure"


def _proportions(label: NDArray[Any], rules: AnatomyRules) -> Iterator[str]:
    centers = {n: np.argwhere(label == rules.table.id_of(n)).mean(axis=0) for n in structures_of(rules.table)}
    for first, relation, second in rules.ordered:
        axis = AXES.index(relation)
        if not centers[first][axis] < centers[second][axis]:
            yield f"{first} is not {relation} {second}"
    shares = area_shares(label, rules.table)
    for name, (low, high) in rules.areas.items():
        if not low <= shares[name] <= high:
            yield f"{name} takes {shares[name]:.0%} of the structures' area"
    for name, low in rules.whole.items():
        if shares[name] < low and not is_cut(label, rules.table, name):
            yield f"{name} is small, {shares[name]:.0%} of the structures' area, though the sector does not cut it"
