r"""Squared maximum mean discrepancy under any kernel, with an interval over patients, in blocks of rows.

.. math:: \widehat{\mathrm{MMD}}{}^2 = \frac{1}{m(m-1)} \sum_{i \ne j} k(x_i, x_j) + \frac{1}{n(n-1)} \sum_{i \ne j} k(y_i, y_j)
    - \frac{2}{mn} \sum_{i, j} k(x_i, y_j)

is a U-statistic, for which the delete-one jackknife is consistent while the bootstrap is not (a frame drawn twice meets
itself). One patient or mask is left out at a time, on either side; the squared standard error is the sum of both sides'.
Only sums by group are kept, so memory grows with the number of frames, not with its square.

Two kernels are offered: the cubic one of KID and the Gaussian one of CMMD, whose published form has bandwidth 10 on CLIP
embeddings of unit length and is reported times 1000.

References:
    Gretton et al., "A Kernel Two-Sample Test", JMLR 2012. https://jmlr.org/papers/v13/gretton12a.html
    Arvesen, "Jackknifing U-statistics", Ann. Math. Statist. 1969. https://doi.org/10.1214/aoms/1177697287
    Jayasumana et al., "Rethinking FID: Towards a Better Evaluation Metric for Image Generation", CVPR 2024.
    https://arxiv.org/abs/2401.09603
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from monai_echosynth.metrics.bootstrap import Interval
from monai_echosynth.metrics.feature_sets import check_features

__all__ = ["CMMD_BANDWIDTH", "CMMD_SCALE", "cubic_kernel", "discrepancy_interval", "gaussian_kernel", "median_distance"]

Array = NDArray[np.float64]
Kernel = Callable[[Array, Array], Array]

CMMD_BANDWIDTH: Final = 10.0
CMMD_SCALE: Final = 1000.0

_ROWS = 512
_NORMAL_975 = 1.959963984540054


class _Sums(NamedTuple):
    """Sums of a kernel between two sets, whole and with each group of rows or columns taken out.

    Attributes:
        total: over all pairs that count.
        pairs: their number.
        total_without: (G,).
        pairs_without: (G,).
    """

    total: float
    pairs: float
    total_without: Array
    pairs_without: Array

    @property
    def mean(self) -> float:
        return self.total / self.pairs

    @property
    def means_without(self) -> Array:
        return self.total_without / self.pairs_without


def cubic_kernel(a: Array, b: Array) -> Array:
    """KID's kernel (a·b / d + 1)^3 of the rows of (m, d) and (n, d)."""
    return np.asarray((a @ b.T / a.shape[1] + 1.0) ** 3)


def gaussian_kernel(bandwidth: float) -> Kernel:
    """exp(-|a - b|^2 / (2 bandwidth^2)) of the rows of (m, d) and (n, d)."""

    def kernel(a: Array, b: Array) -> Array:
        return np.asarray(np.exp(-_squared_distances(a, b) / (2.0 * bandwidth**2)))

    return kernel


def median_distance(features: ArrayLike, limit: int = 1000) -> float:
    """Median distance between rows of (n, d), of the first ``limit`` at most; the usual bandwidth where none is published."""
    x = np.asarray(features, dtype=np.float64)[:limit]
    found = float(np.sqrt(np.median(_squared_distances(x, x)[np.triu_indices(len(x), 1)])))
    return found if found > 0 else 1.0


def discrepancy_interval(
    real: ArrayLike,
    generated: ArrayLike,
    kernel: Kernel = cubic_kernel,
    real_groups: Sequence[str] | None = None,
    generated_groups: Sequence[str] | None = None,
) -> Interval:
    """Squared discrepancy of two sets of features with its 95 % interval.

    Args:
        real: (m, d).
        generated: (n, d).
        kernel: of the rows of two arrays.
        real_groups: (m,) patient of each real frame; each its own when omitted.
        generated_groups: (n,) patient or mask of each generated frame.

    Returns:
        The value, about 0 or slightly negative for sets of one law, and its interval; NaN bounds where a side has one group.

    Raises:
        ValueError: a set has fewer than two frames, dimensions or numbers of groups differ, or a feature is not finite.
    """
    x, y = check_features(real, generated, fewest=2)
    groups = [_indices(names, len(part)) for names, part in ((real_groups, x), (generated_groups, y))]
    within = [_within(part, index, kernel) for part, index in zip((x, y), groups, strict=True)]
    across = _across(x, y, groups, kernel)
    value = within[0].mean + within[1].mean - 2.0 * across[0].mean
    variance = 0.0
    for side in (0, 1):
        without = within[side].means_without + within[1 - side].mean - 2.0 * across[side].means_without
        count = len(without)
        variance += (count - 1) / count * float(np.square(without - without.mean()).sum()) if count > 1 else np.nan
    reach = _NORMAL_975 * float(np.sqrt(variance))
    return Interval(value, value - reach, value + reach)


def _within(x: Array, group: NDArray[np.int64], kernel: Kernel) -> _Sums:
    """Pairs of different rows of one set."""
    count, rows, same = len(x), np.zeros(len(x)), np.zeros(len(x))
    for start in range(0, count, _ROWS):
        part = slice(start, start + _ROWS)
        block = kernel(x[part], x)
        block[np.arange(len(block)), np.arange(start, start + len(block))] = 0.0
        rows[part] = block.sum(axis=1)
        same[part] = (block * (group[part, None] == group[None])).sum(axis=1)
    sizes = np.bincount(group).astype(np.float64)
    total, left = float(rows.sum()), count - sizes
    without = total - 2.0 * np.bincount(group, rows) + np.bincount(group, same)
    return _Sums(
        total, count * (count - 1.0), np.asarray(without, np.float64), np.where(left > 1, left * (left - 1), np.nan)
    )


def _across(x: Array, y: Array, groups: Sequence[NDArray[np.int64]], kernel: Kernel) -> tuple[_Sums, _Sums]:
    """Pairs of a row of either set: with groups of the first taken out, and with groups of the second."""
    rows, columns = np.zeros(len(x)), np.zeros(len(y))
    for start in range(0, len(x), _ROWS):
        block = kernel(x[start : start + _ROWS], y)
        rows[start : start + _ROWS] = block.sum(axis=1)
        columns += block.sum(axis=0)
    total = float(rows.sum())
    sides = []
    for sums, group, other in ((rows, groups[0], len(y)), (columns, groups[1], len(x))):
        left = len(sums) - np.bincount(group)
        sides.append(
            _Sums(
                total,
                len(x) * len(y),
                np.asarray(total - np.bincount(group, sums), np.float64),
                np.where(left > 0, left * other, np.nan),
            )
        )
    return sides[0], sides[1]


def _indices(names: Sequence[str] | None, count: int) -> NDArray[np.int64]:
    if names is None:
        return np.arange(count)
    if len(names) != count:
        raise ValueError(f"each frame needs its group, got {count} frames and {len(names)} groups")
    return np.unique(np.asarray(names), return_inverse=True)[1]


def _squared_distances(a: Array, b: Array) -> Array:
    squares = np.square(a).sum(axis=1)[:, None] + np.square(b).sum(axis=1)[None] - 2.0 * a @ b.T
    return np.asarray(np.maximum(squares, 0.0))
