r"""How well a score tells two groups apart where false alarms must be rare, and thresholds that a control group sets.

*TPR at a fixed FPR*: the share of positives above the threshold that at most that share of negatives exceeds. For
membership it is the number that matters: an attack that is sure about a few patients is a leak, whatever its average.

*Control threshold*: of n control scores the one of rank ceil((n + 1)(1 - a)). A further score of the same law exceeds it
with probability a at most, for any law (split conformal prediction); with n < 1 / a - 1 it is the largest one, and the
bound 1 / (n + 1).

References:
    Carlini et al., "Membership Inference Attacks From First Principles", 2022. https://arxiv.org/abs/2112.03570
    Vovk, Gammerman, Shafer, "Algorithmic Learning in a Random World", 2005. https://doi.org/10.1007/b106715
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from monai_echosynth.metrics.bootstrap import Interval

__all__ = ["ControlThreshold", "bootstrap_tpr", "control_threshold", "robust_scale", "tpr_at_fpr"]

Array = NDArray[np.float64]


class ControlThreshold(NamedTuple):
    """Scores above ``value`` are alarms; a score of the control's law is one with probability ``bound`` at most."""

    value: float
    bound: float


def tpr_at_fpr(positive: ArrayLike, negative: ArrayLike, fpr: float = 0.01) -> float:
    """Share of positives above every threshold that lets at most the share ``fpr`` of negatives pass.

    Args:
        positive: scores, higher for positives.
        negative: scores.
        fpr: false positive rate that is allowed, in [0, 1).

    Raises:
        ValueError: a set is empty, a score is NaN, or the rate is out of range.
    """
    p, n = np.asarray(positive, np.float64).ravel(), np.asarray(negative, np.float64).ravel()
    if not p.size or not n.size or np.isnan(p).any() or np.isnan(n).any():
        raise ValueError(f"a rate needs scores of both classes that are numbers, got {p.size} and {n.size}, or NaN")
    if not 0 <= fpr < 1:
        raise ValueError(f"a false positive rate must be in [0, 1), got {fpr}")
    allowed = math.floor(fpr * n.size + 1e-9)
    return float((p > np.sort(n)[n.size - 1 - allowed]).mean())


def bootstrap_tpr(
    positive: ArrayLike,
    negative: ArrayLike,
    positive_groups: Sequence[str],
    negative_groups: Sequence[str],
    fpr: float = 0.01,
    draws: int = 1000,
    seed: int = 0,
) -> Interval:
    """TPR at a fixed FPR with its 95 % interval over groups (patients), drawn with replacement in each class."""
    p, n = np.asarray(positive, np.float64), np.asarray(negative, np.float64)
    rows, columns = _members(positive_groups), _members(negative_groups)
    rng = np.random.default_rng(seed)

    def draw(members: list[NDArray[np.intp]]) -> NDArray[np.intp]:
        return np.concatenate([members[i] for i in rng.integers(len(members), size=len(members))])

    drawn = [tpr_at_fpr(p[draw(rows)], n[draw(columns)], fpr) for _ in range(draws)]
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Interval(tpr_at_fpr(p, n, fpr), float(low), float(high))


def control_threshold(control: ArrayLike, rate: float = 0.05) -> ControlThreshold:
    """Threshold that a control group sets.

    Args:
        control: scores of cases that must not raise an alarm.
        rate: share of such cases that may.

    Raises:
        ValueError: there is no score, one is not finite, or the rate is not in (0, 1).
    """
    scores = np.sort(np.asarray(control, np.float64).ravel())
    if not scores.size or not np.isfinite(scores).all():
        raise ValueError(f"a threshold needs control scores that are numbers, got {scores.size}, or NaN: add controls")
    if not 0 < rate < 1:
        raise ValueError(f"the rate of false alarms must be between 0 and 1, got {rate}")
    rank = min(math.ceil((scores.size + 1) * (1.0 - rate) - 1e-9), scores.size)
    return ControlThreshold(float(scores[rank - 1]), (scores.size + 1 - rank) / (scores.size + 1))


def robust_scale(control: ArrayLike, floor: float = 1e-3) -> tuple[float, float]:
    """Median and 1.4826 times the median absolute deviation (the standard deviation of a normal law), not below ``floor``."""
    values = np.asarray(control, np.float64)
    center = float(np.median(values))
    return center, max(1.4826 * float(np.median(np.abs(values - center))), floor)


def _members(groups: Sequence[str]) -> list[NDArray[np.intp]]:
    names, index = np.unique(np.asarray(groups), return_inverse=True)
    return [np.flatnonzero(index == i) for i in range(len(names))]
