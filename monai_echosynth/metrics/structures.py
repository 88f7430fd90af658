"""The structures that scores are reported for, as sets of label ids.

``lv_epi`` is the filled left ventricle: cavity and myocardium together, as CAMUS reports it (Leclerc et al. 2019).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

__all__ = ["LABEL_NAMES", "STRUCTURES", "structure_mask", "summary_key"]

LABEL_NAMES: Mapping[int, str] = {1: "lv_endo", 2: "myo", 3: "la"}
"""Plain labels, each pixel has at most one."""

STRUCTURES: Mapping[str, tuple[int, ...]] = {"lv_endo": (1,), "myo": (2,), "lv_epi": (1, 2), "la": (3,)}
"""Structures reported: the labels and the one region made of two of them."""


def structure_mask(label: NDArray[np.integer], ids: tuple[int, ...]) -> NDArray[np.bool_]:
    """Pixels of the integer map ``label`` (any shape) whose id is one of ``ids``."""
    return np.isin(label, ids)


def summary_key(ids: tuple[int, ...]) -> str:
    """The key of a structure in ``summary.json``, nnU-Net's form: ``"1"`` for a label, ``"(1, 2)"`` for a region."""
    return str(ids[0]) if len(ids) == 1 else str(ids)
