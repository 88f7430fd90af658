"""The kernel distance: brute force, no bias, order of distances, bad input."""

from __future__ import annotations

import numpy as np
import pytest

from monai_echosynth.metrics.kernel_distance import kernel_distance


def brute_force(x: np.ndarray, y: np.ndarray) -> float:
    """The sums of the definition, pair by pair."""
    mean, sd, d = x.mean(axis=0), x.std(axis=0), x.shape[1]
    x, y = (x - mean) / sd, (y - mean) / sd

    def k(a: np.ndarray, b: np.ndarray) -> float:
        return float((a @ b / d + 1) ** 3)

    m, n = len(x), len(y)
    same_x = sum(k(x[i], x[j]) for i in range(m) for j in range(m) if i != j) / (m * (m - 1))
    same_y = sum(k(y[i], y[j]) for i in range(n) for j in range(n) if i != j) / (n * (n - 1))
    return same_x + same_y - 2 * sum(k(a, b) for a in x for b in y) / (m * n)


def test_it_is_the_sum_over_pairs() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(7, 3)), rng.normal(0.5, 2.0, size=(9, 3))
    assert kernel_distance(x, y).value == pytest.approx(brute_force(x, y), rel=1e-12)


def test_sets_of_one_distribution_are_next_to_zero() -> None:
    rng = np.random.default_rng(1)
    sets = rng.normal(size=(100, 2, 60, 8))
    same = np.mean([kernel_distance(x, y, subsets=0).value for x, y in sets])
    apart = np.mean([kernel_distance(x, y + 0.5, subsets=0).value for x, y in sets])
    assert abs(same) < 0.1 * apart


def test_it_grows_with_the_shift_and_does_not_depend_on_units() -> None:
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(100, 5)), rng.normal(size=(100, 5))
    near, far = kernel_distance(x, y + 0.5), kernel_distance(x, y + 1.0)
    assert 3 * near.sd < near.value < far.value
    units = np.array([1e3, 1.0, 1e-3, 1.0, 7.0])
    assert kernel_distance(x * units + 4, (y + 0.5) * units + 4).value == pytest.approx(near.value, rel=1e-9)


@pytest.mark.parametrize(
    ("x", "y"), [(np.ones((3, 2)), np.ones((9, 2))), (np.ones((5, 2)), np.ones((5, 3))), (np.ones(5), np.ones(5))]
)
def test_shapes_are_checked(x: np.ndarray, y: np.ndarray) -> None:
    with pytest.raises(ValueError, match="two sets"):
        kernel_distance(x, y)


def test_features_must_be_finite() -> None:
    x = np.ones((5, 2))
    with pytest.raises(ValueError, match="finite"):
        kernel_distance(x, x * np.nan)
