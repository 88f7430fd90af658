"""Which structures of label maps touch: pairs of labels on both sides of the edges between pixels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monai_echosynth.data.label_table import LabelTable

__all__ = ["Pair", "shared_edges", "touch_frequency"]

Pair = tuple[str, str]
"""Names of two labels, in the order of their ids."""


def shared_edges(label: NDArray[Any], table: LabelTable) -> Counter[Pair]:
    """Number of pixel edges between each two labels of a map (X, Y)."""
    name = {entry.id: entry.name for entry in table.entries}
    found: Counter[Pair] = Counter()
    for first, second in ((label[1:], label[:-1]), (label[:, 1:], label[:, :-1])):
        differ = first != second
        low, high = np.minimum(first, second)[differ].astype(int), np.maximum(first, second)[differ].astype(int)
        codes, counts = np.unique(low * 256 + high, return_counts=True)
        for code, count in zip(codes.tolist(), counts.tolist(), strict=True):
            found[name[code // 256], name[code % 256]] += count
    return found


def touch_frequency(
    labels: Iterable[NDArray[Any]], table: LabelTable, structures: tuple[str, ...]
) -> dict[Pair, float]:
    """Share of the maps in which each two structures have at least one edge in common."""
    order = sorted(structures, key=table.id_of)
    counts = dict.fromkeys(combinations(order, 2), 0)
    total = 0
    for label in labels:
        total += 1
        for pair in shared_edges(label, table):
            if pair in counts:
                counts[pair] += 1
    return {pair: count / max(total, 1) for pair, count in counts.items()}
