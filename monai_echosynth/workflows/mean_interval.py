"""A mean over frames with its interval over patients, as the metrics write it; None where no frame has a score."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from monai_echosynth.metrics.bootstrap import bootstrap_mean

__all__ = ["mean_with_interval"]


def mean_with_interval(values: ArrayLike, patients: Sequence[str], seed: int = 0) -> dict[str, Any]:
    """``value`` and ``ci95`` of scores (n,), NaN left out."""
    scores = np.asarray(values, dtype=np.float64)
    if not np.isfinite(scores).any():
        return {"value": None, "ci95": None}
    found = bootstrap_mean(scores, patients, seed=seed)
    return {"value": found.mean, "ci95": [found.low, found.high]}
