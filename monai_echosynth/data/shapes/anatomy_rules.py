"""What a label map of a table must look like, as data: given by hand, or learned from maps that people annotated.

A rule is learned when nearly all maps obey it, so that a table of four chambers gets its rules from its maps as the CAMUS table
does. Every rule can be evaluated on the label map alone, in shares of areas and lengths that do not depend on the pixel size.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import permutations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monai_echosynth.data.builtin_labels import OUTSIDE, SECTOR
from monai_echosynth.data.label_table import LabelTable
from monai_echosynth.data.shapes.adjacency import Pair, shared_edges, touch_frequency
from monai_echosynth.data.shapes.outlines import WALLS, outlines_of, structures_of

__all__ = ["AXES", "AnatomyRules", "area_shares", "bare_share", "basic_rules", "is_cut", "learn_rules"]

AXES = ("left of", "above")
"""Relations of centers along the first (lateral) and second (depth) axis of a map."""


@dataclass(frozen=True)
class AnatomyRules:
    """Rules of one table. Every structure must be there, in one piece, without holes; these come on top.

    Attributes:
        table: the label table.
        touching: pairs that share a border.
        apart: pairs that do not.
        ordered: triples such as ``("lv_endo", "above", "la")`` about the centers of structures.
        bare: largest share of a structure's border that may face the sector or its outside instead of another structure; an
            enclosed cavity has a small one.
        areas: smallest and largest share of the area of all structures that one of them takes.
        whole: smallest such share of a structure that the sector's edge does not cut: one that the picture ends in may be small.
    """

    table: LabelTable
    touching: tuple[Pair, ...] = ()
    apart: tuple[Pair, ...] = ()
    ordered: tuple[tuple[str, str, str], ...] = ()
    bare: Mapping[str, float] = field(default_factory=dict)
    areas: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    whole: Mapping[str, float] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Plain form for JSON, the table aside; inverse of :meth:`from_dict`."""
        return {
            "touching": [list(pair) for pair in self.touching],
            "apart": [list(pair) for pair in self.apart],
            "ordered": [list(triple) for triple in self.ordered],
            "bare": dict(self.bare),
            "areas": {name: list(limits) for name, limits in self.areas.items()},
            "whole": dict(self.whole),
        }

    @classmethod
    def from_dict(cls, table: LabelTable, rules: Mapping[str, Any]) -> AnatomyRules:
        """Rules from what :meth:`to_dict` gave."""
        return cls(
            table=table,
            touching=tuple((a, b) for a, b in rules["touching"]),
            apart=tuple((a, b) for a, b in rules["apart"]),
            ordered=tuple((a, relation, b) for a, relation, b in rules["ordered"]),
            bare={name: float(share) for name, share in rules["bare"].items()},
            areas={name: (float(low), float(high)) for name, (low, high) in rules["areas"].items()},
            whole={name: float(share) for name, share in rules["whole"].items()},
        )


def basic_rules(table: LabelTable) -> AnatomyRules:
    """Rules that need no maps: a wall touches its cavity, which faces at most a twentieth of bare sector."""
    names = structures_of(table)
    pairs = [(c, wall) for wall, (cavities, _) in WALLS.items() for c in cavities if c in names and wall in names]
    return AnatomyRules(table, touching=tuple(pairs), bare={cavity: 0.05 for cavity, _ in pairs})


def learn_rules(labels: Sequence[NDArray[Any]], table: LabelTable, agreement: float = 0.99) -> AnatomyRules:
    """Rules that at least ``agreement`` of the maps obey.

    A limit on bare border is set for structures that face others along 90 % of their border or more; limits on areas are the
    extremes of the maps, widened by a fourth; a structure that the sector does not cut may be a fifth smaller than nearly all
    such structures of the maps.
    """
    names = structures_of(table)
    frequency = touch_frequency(labels, table, names)
    centers = np.array([[np.argwhere(label == table.id_of(name)).mean(axis=0) for name in names] for label in labels])
    ordered = []
    for (i, first), (j, second) in permutations(list(enumerate(names)), 2):
        if any({first, second} <= set(outline.labels) for outline in outlines_of(table)):
            continue  # a wall and its cavity have nearly one center
        for axis, relation in enumerate(AXES):
            if np.mean(centers[:, i, axis] < centers[:, j, axis]) >= agreement:
                ordered.append((first, relation, second))
    bare = {name: float(np.quantile([bare_share(label, table, name) for label in labels], agreement)) for name in names}
    shares = np.array([[area_shares(label, table)[name] for name in names] for label in labels])
    limits = zip(names, shares.min(axis=0) * 0.8, np.minimum(shares.max(axis=0) * 1.25, 1.0), strict=True)
    return AnatomyRules(
        table,
        touching=tuple(pair for pair, share in frequency.items() if share >= agreement),
        apart=tuple(pair for pair, share in frequency.items() if share <= 1.0 - agreement),
        ordered=tuple(ordered),
        bare={name: max(share, 0.02) for name, share in bare.items() if share <= 0.1},
        areas={name: (float(low), float(high)) for name, low, high in limits},
        whole=_whole_areas(labels, shares, table, 1.0 - agreement),
    )


def _whole_areas(
    labels: Sequence[NDArray[Any]], shares: NDArray[np.float64], table: LabelTable, quantile: float
) -> dict[str, float]:
    """Low quantile of the share of each structure over the maps where it does not reach the sector's edge."""
    found = {}
    for column, name in enumerate(structures_of(table)):
        whole = [row for row, label in enumerate(labels) if not is_cut(label, table, name)]
        if whole:
            found[name] = 0.8 * float(np.quantile(shares[whole, column], quantile))
    return found


def is_cut(label: NDArray[Any], table: LabelTable, name: str) -> bool:
    """True when a structure reaches the edge of the sector or the end of the array."""
    padded = np.pad(label, 1, constant_values=table.id_of(OUTSIDE))
    return any(set(pair) == {OUTSIDE, name} for pair in shared_edges(padded, table))


def bare_share(label: NDArray[Any], table: LabelTable, name: str) -> float:
    """Share of a structure's pixel edges that face the sector, its outside or the end of the array."""
    padded = np.pad(label, 1, constant_values=table.id_of(OUTSIDE))
    edges = {pair: count for pair, count in shared_edges(padded, table).items() if name in pair}
    bare = sum(count for pair, count in edges.items() if OUTSIDE in pair or SECTOR in pair)
    return bare / max(sum(edges.values()), 1)


def area_shares(label: NDArray[Any], table: LabelTable) -> dict[str, float]:
    """Area of each structure over that of all."""
    counts = {name: int(np.count_nonzero(label == table.id_of(name))) for name in structures_of(table)}
    total = max(sum(counts.values()), 1)
    return {name: count / total for name, count in counts.items()}
