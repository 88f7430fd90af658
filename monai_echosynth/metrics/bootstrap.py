"""Confidence intervals by resampling patients.

Frames of one patient are not independent, so patients are drawn, with replacement, and every frame of a drawn patient
counts each time the patient is drawn. A draw's score is the mean over its frames (frames without a defined score are left
out); the interval is the central 95 % of the draws. Two methods scored on the same frames are compared by the mean of their
differences under the same draws, which removes what the patients have in common.

References:
    Efron, "Better bootstrap confidence intervals", 1987 (percentile method). https://doi.org/10.1080/01621459.1987.10478410
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Interval", "bootstrap_mean", "bootstrap_paired"]


class Interval(NamedTuple):
    """A mean and its confidence interval."""

    mean: float
    low: float
    high: float

    def as_dict(self) -> dict[str, object]:
        """``{"mean": m, "ci95": [low, high]}``."""
        return {"mean": self.mean, "ci95": [self.low, self.high]}


def bootstrap_mean(
    values: ArrayLike, patients: Sequence[str], draws: int = 1000, seed: int = 0, level: float = 0.95
) -> Interval:
    """Mean over frames and its interval over patients.

    Args:
        values: (n,) one score a frame; NaN is left out.
        patients: (n,) the patient of each frame.
        draws: number of resamples.
        seed: the draws depend on the seed and the number of patients alone.
        level: coverage.

    Raises:
        ValueError: lengths differ, no value is defined, or ``draws`` or ``level`` make no interval.
    """
    scores = np.asarray(values, dtype=np.float64)
    if scores.ndim != 1 or len(scores) != len(patients):
        raise ValueError(f"each score needs its patient, got {scores.shape} scores and {len(patients)} patients")
    if draws < 1 or not 0 < level < 1:
        raise ValueError(f"a bootstrap needs draws >= 1 and 0 < level < 1, got draws={draws}, level={level}")
    keep = ~np.isnan(scores)
    if not keep.any():
        raise ValueError("a bootstrap needs at least one defined score, got NaN only: no frame shows the structure")
    sums, counts = _patient_totals(scores[keep], np.asarray(patients)[keep])
    rows = np.random.default_rng(seed).integers(len(sums), size=(draws, len(sums)))
    means = sums[rows].sum(axis=1) / counts[rows].sum(axis=1)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(scores[keep].mean()), float(low), float(high))


def bootstrap_paired(
    first: ArrayLike, second: ArrayLike, patients: Sequence[str], draws: int = 1000, seed: int = 0, level: float = 0.95
) -> Interval:
    """Mean of ``first - second`` over the frames that have both scores, with its interval over patients.

    Raises:
        ValueError: as :func:`bootstrap_mean`.
    """
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if a.shape != b.shape:
        raise ValueError(f"paired scores must be of the same frames, got {a.shape} and {b.shape}")
    return bootstrap_mean(a - b, patients, draws, seed, level)


def _patient_totals(
    scores: NDArray[np.float64], patients: NDArray[np.str_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sum of scores and number of frames of each patient, patients in sorted order."""
    names, index = np.unique(patients, return_inverse=True)
    sums: NDArray[np.float64] = np.bincount(index, scores, len(names)).astype(np.float64)
    return sums, np.bincount(index, minlength=len(names)).astype(np.float64)
