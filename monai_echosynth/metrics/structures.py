"""The structures that scores are reported for, as sets of label ids.

``lv_epi`` is the filled left ventricle: cavity and myocardium together, as CAMUS reports it (Leclerc et al. 2019).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

__all__ = ["STRUCTURES", "Structures", "structure_mask", "structures_of", "summary_key"]

Structures = Mapping[str, tuple[int, ...]]
"""Name of each structure -> the label ids that make it."""


def structures_of(labels: Mapping[int, str]) -> Structures:
    """Structures reported for a label table: each label and, where both of its parts are there, the region ``lv_epi``.

    Args:
        labels: names of the anatomical labels by id, each pixel has at most one.
    """
    found: dict[str, tuple[int, ...]] = {name: (number,) for number, name in sorted(labels.items())}
    if {"lv_endo", "myo"} <= found.keys():
        filled = tuple(sorted(found["lv_endo"] + found["myo"]))
        names = list(found)
        names.insert(names.index("myo") + 1, "lv_epi")
        found = {name: found.get(name, filled) for name in names}
    return found


STRUCTURES: Structures = structures_of({1: "lv_endo", 2: "myo", 3: "la"})
"""Structures of CAMUS: the labels and the one region made of two of them."""


def structure_mask(label: NDArray[np.integer], ids: tuple[int, ...]) -> NDArray[np.bool_]:
    """Pixels of the integer map ``label`` (any shape) whose id is one of ``ids``."""
    return np.isin(label, ids)


def summary_key(ids: tuple[int, ...]) -> str:
    """The key of a structure in ``summary.json``, nnU-Net's form: ``"1"`` for a label, ``"(1, 2)"`` for a region."""
    return str(ids[0]) if len(ids) == 1 else str(ids)
