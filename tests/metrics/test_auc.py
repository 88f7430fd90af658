"""AUC against counting pairs, and its interval."""

from __future__ import annotations

import numpy as np
import pytest

from monai_echosynth.metrics.auc import auc, bootstrap_auc


def brute_force(positive: np.ndarray, negative: np.ndarray) -> float:
    return float(np.mean([(p > n) + 0.5 * (p == n) for p in positive for n in negative]))


@pytest.mark.parametrize("seed", range(4))
def test_auc_counts_pairs_and_halves_ties(seed: int) -> None:
    rng = np.random.default_rng(seed)
    positive, negative = rng.integers(0, 6, 23), rng.integers(0, 5, 17)
    assert auc(positive, negative) == pytest.approx(brute_force(positive, negative), abs=1e-12)


def test_auc_of_separated_and_equal_scores() -> None:
    assert auc([2.0, 3.0], [0.0, 1.0]) == 1.0
    assert auc([0.0], [1.0]) == 0.0
    assert auc([1.0, 1.0], [1.0]) == 0.5


def test_pairs_are_counted_inside_folds() -> None:
    scores, positive = np.array([1.0, 0.0, 11.0, 10.0]), [True, False, True, False]
    folds = [0, 0, 1, 1]
    assert bootstrap_auc(scores, positive, ["a", "b", "c", "d"], folds).mean == 1.0
    assert bootstrap_auc(scores, positive, ["a", "b", "c", "d"]).mean == 0.75


def test_interval_is_over_groups() -> None:
    rng = np.random.default_rng(0)
    scores, positive = rng.normal(size=80), np.arange(80) < 40
    alone = bootstrap_auc(scores, positive, [str(i) for i in range(80)])
    assert alone.mean == pytest.approx(auc(scores[:40], scores[40:]))
    assert alone.low < 0.5 < alone.high
    # the standard error of an AUC of 0.5 is sqrt((m + n + 1) / 12 m n), Mann and Whitney 1947
    assert alone.high - alone.low == pytest.approx(2 * 1.96 * np.sqrt(81 / (12 * 40 * 40)), rel=0.15)
    repeated = np.repeat(scores, 4)
    groups = [str(i // 4) for i in range(320)]
    copied = bootstrap_auc(repeated, np.repeat(positive, 4), groups)
    assert copied.high - copied.low == pytest.approx(alone.high - alone.low, rel=0.15)
    assert bootstrap_auc(repeated, np.repeat(positive, 4), groups) == copied


def test_auc_refuses_what_it_cannot_count() -> None:
    with pytest.raises(ValueError, match="both classes"):
        auc([], [1.0])
    with pytest.raises(ValueError, match="NaN"):
        auc([float("nan")], [1.0])
    with pytest.raises(ValueError, match="group and fold"):
        bootstrap_auc([1.0, 2.0], [True, False], ["a"])
    with pytest.raises(ValueError, match="a fold with both classes"):
        bootstrap_auc([1.0, 2.0], [True, False], ["a", "b"], [0, 1])
