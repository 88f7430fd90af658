r"""Area under the ROC curve: how often a positive scores above a negative.

.. math:: \mathrm{AUC} = \frac{1}{m n} \sum_{i, j} \left([p_i > q_j] + \tfrac12 [p_i = q_j]\right)

is the Mann-Whitney statistic; 0.5 is chance. Scores of a cross-fitted classifier come from one network a fold and are on one
scale within a fold only, so pairs are counted inside folds. The interval draws whole groups (patients) of each class with
replacement: frames of one patient are not independent.

References:
    Hanley, McNeil, "The meaning and use of the area under a ROC curve", 1982. https://doi.org/10.1148/radiology.143.1.7063747
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from monai_echosynth.metrics.bootstrap import Interval

__all__ = ["auc", "bootstrap_auc"]

Array = NDArray[np.float64]


def auc(positive: ArrayLike, negative: ArrayLike) -> float:
    """AUC of two sets of scores, ties counted half.

    Raises:
        ValueError: a set is empty or a score is NaN.
    """
    p, n = _finite(positive), _finite(negative)
    if not p.size or not n.size:
        raise ValueError(f"an AUC needs scores of both classes, got {p.size} positive and {n.size} negative ones")
    ranks = stats.rankdata(np.concatenate([p, n]))[: p.size]
    return float((ranks.sum() - p.size * (p.size + 1) / 2) / (p.size * n.size))


def bootstrap_auc(
    scores: ArrayLike,
    positive: ArrayLike,
    groups: Sequence[str],
    folds: ArrayLike | None = None,
    draws: int = 1000,
    seed: int = 0,
) -> Interval:
    """AUC over the pairs inside folds, with its 95 % interval over groups.

    Args:
        scores: (n,) one a frame.
        positive: (n,) whether a frame is of the positive class.
        groups: (n,) patient of each frame.
        folds: (n,) the pairs of equal numbers are counted; one fold when omitted.
        draws: number of resamples.
        seed: seed of the resamples.

    Raises:
        ValueError: lengths differ, a score is NaN, or no fold holds both classes.
    """
    values, is_positive = _finite(scores), np.asarray(positive, dtype=bool)
    fold = np.zeros(len(values)) if folds is None else np.asarray(folds)
    if not len(values) == len(is_positive) == len(groups) == len(fold):
        raise ValueError(f"each score needs its class, group and fold, got {len(values)} scores, {len(groups)} groups")
    p, n = np.flatnonzero(is_positive), np.flatnonzero(~is_positive)
    same = (fold[p, None] == fold[None, n]).astype(np.float64)
    if not same.any():
        raise ValueError("an AUC needs a fold with both classes, got none: split the frames in another way")
    higher = 0.5 * (1.0 + np.sign(values[p, None] - values[None, n])) * same
    names = np.asarray(groups)
    rows, columns = _indicator(names[p]), _indicator(names[n])
    wins, pairs = rows.T @ higher @ columns, rows.T @ same @ columns
    rng = np.random.default_rng(seed)
    a, b = (_multiplicities(rng, draws, size) for size in wins.shape)
    with np.errstate(invalid="ignore"):
        drawn = ((a @ wins) * b).sum(axis=1) / ((a @ pairs) * b).sum(axis=1)
    low, high = np.nanquantile(drawn, [0.025, 0.975])
    return Interval(float(wins.sum() / pairs.sum()), float(low), float(high))


def _finite(scores: ArrayLike) -> Array:
    values = np.asarray(scores, dtype=np.float64).ravel()
    if np.isnan(values).any():
        raise ValueError("an AUC needs scores that are numbers, got NaN: look at the frames")
    return values


def _indicator(names: NDArray[np.str_]) -> Array:
    """(n, groups), 1 where a frame belongs to a group."""
    _, index = np.unique(names, return_inverse=True)
    return np.eye(int(index.max(initial=-1)) + 1)[index]


def _multiplicities(rng: np.random.Generator, draws: int, size: int) -> Array:
    """(draws, size): how often each group is drawn."""
    return rng.multinomial(size, np.full(size, 1.0 / size), size=draws).astype(np.float64)
