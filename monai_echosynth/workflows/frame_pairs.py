"""Pairs of frames that are compared one with the other: of one mask, within one mask, and across patients.

- ``mask``: a synthetic frame and the real frame whose mask guided it (its warped copies have no such frame).
- ``within_mask``: two synthetic frames of one mask.
- ``input``: the frame that a synthetic one started from, and what became of it.
- ``synthetic`` and ``real``: two frames of a set, of different patients and, where known, of one view and phase.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from monai_echosynth.data.datalist import load_datalist, read_dataset_json
from monai_echosynth.data.label_table import LabelTable
from monai_echosynth.workflows.gap_frames import patient_of, read_on_grid

__all__ = ["SECTIONS", "Pair", "across_patients", "by_input", "by_mask", "within_mask"]

Item = Mapping[str, Any]
Pair = tuple[Item, Item]

_AGREEMENT = 0.99
"""Share of equal pixels of two label maps that are one map, resampled or not."""

SECTIONS = ("training", "validation", "test")


def by_mask(
    real: str | Path, synthetic: Sequence[Item], table: LabelTable, size: int, limit: int, seed: int = 0
) -> list[Pair]:
    """Real and synthetic frame of one mask, from whatever section of the real folder the mask is; one pair a mask.

    Folders may use one name for different patients, so the label maps are compared as well.
    """
    content = read_dataset_json(real)
    known = {str(item.get("id")): item for name in SECTIONS if content.get(name) for item in load_datalist(real, name)}
    first: dict[str, Item] = {}
    for item in synthetic:
        if str(item.get("mask")) in known and int(item.get("copy", 0)) == 0:
            first.setdefault(str(item["mask"]), item)
    pairs = _drawn([(known[name], item) for name, item in first.items()], limit, seed)
    return [pair for pair in pairs if _one_mask(pair, table, size)]


def by_input(synthetic: Sequence[Item], limit: int, seed: int = 0) -> list[Pair]:
    """Input and synthetic frame, where a frame was made from another one and that is still there.

    The input has the label map of the synthetic frame and, as ``picture``, the file that it is read from.
    """
    made = [item for item in synthetic if item.get("source") and Path(item["source"]).is_file()]
    return _drawn([({**item, "picture": item["source"]}, item) for item in made], limit, seed)


def within_mask(synthetic: Sequence[Item], limit: int, seed: int = 0) -> list[Pair]:
    """Two synthetic frames of one map: the first two of each mask and warped copy of it."""
    groups: dict[tuple[str, int], list[Item]] = defaultdict(list)
    for item in synthetic:
        if item.get("mask"):
            groups[str(item["mask"]), int(item.get("copy", 0))].append(item)
    return _drawn([(group[0], group[1]) for group in groups.values() if len(group) > 1], limit, seed)


def across_patients(items: Sequence[Item], limit: int, seed: int = 0) -> list[Pair]:
    """Frames of different patients, of one view and phase where these are known; every frame is in two pairs at most."""
    kinds: dict[tuple[str, str], list[Item]] = defaultdict(list)
    for item in items:
        kinds[str(item.get("view", "")), str(item.get("phase", ""))].append(item)
    rng = np.random.default_rng(seed)
    pairs: list[Pair] = []
    for group in kinds.values():
        order = [group[i] for i in rng.permutation(len(group))]
        pairs += [pair for pair in zip(order, order[1:] + order[:1], strict=True) if _differ(*pair)]
    return _drawn(pairs, limit, seed)


def _one_mask(pair: Pair, table: LabelTable, size: int) -> bool:
    first, second = (read_on_grid(item, table, size).label for item in pair)
    return bool((first == second).mean() >= _AGREEMENT)


def _differ(first: Item, second: Item) -> bool:
    return patient_of(first) != patient_of(second)


def _drawn(pairs: list[Pair], limit: int, seed: int) -> list[Pair]:
    chosen = sorted(np.random.default_rng(seed).permutation(len(pairs))[:limit])
    return [pairs[index] for index in chosen]
