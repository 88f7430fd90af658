r"""Kernel distance between two sets of images in a feature space (KID).

The squared maximum mean discrepancy with the cubic polynomial kernel

.. math:: k(x, y) = \left(\frac{x^\top y}{d} + 1\right)^3, \qquad
    \widehat{\mathrm{MMD}}{}^2 = \frac{1}{m(m-1)} \sum_{i \ne j} k(x_i, x_j) + \frac{1}{n(n-1)} \sum_{i \ne j} k(y_i, y_j)
    - \frac{2}{mn} \sum_{i, j} k(x_i, y_j)

is unbiased at any number of images, hence may be slightly negative when the sets have one distribution; Frechet distances
are not, and are of no use for a few dozen images. Unlike the usual Inception features, those of a network of the domain
differ in scale from dimension to dimension, so each one is standardized by the real images first; what that adds is small
beside the standard deviation. The interval over patients, and other kernels, are in
:mod:`monai_echosynth.metrics.kernel_jackknife`.

References:
    Binkowski et al., "Demystifying MMD GANs", ICLR 2018, section 4. https://arxiv.org/abs/1801.01401
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from monai_echosynth.metrics.feature_sets import check_features, standardized
from monai_echosynth.metrics.kernel_jackknife import cubic_kernel

__all__ = ["KernelDistance", "kernel_distance"]

Array = NDArray[np.float64]


class KernelDistance(NamedTuple):
    """Distance of the whole sets, and its standard deviation over random halves of them."""

    value: float
    sd: float


def kernel_distance(real: ArrayLike, generated: ArrayLike, subsets: int = 50, seed: int = 0) -> KernelDistance:
    """KID of two sets of features.

    Args:
        real: (m, d) features of real images.
        generated: (n, d) features of generated images.
        subsets: random halves of both sets whose spread is reported.
        seed: seed of the halves.

    Raises:
        ValueError: a set has fewer than four images, dimensions differ, or a feature is not finite.
    """
    x, y = standardized(*check_features(real, generated, fewest=4))
    within_x, within_y, between = cubic_kernel(x, x), cubic_kernel(y, y), cubic_kernel(x, y)
    rng = np.random.default_rng(seed)
    halves = []
    for _ in range(subsets):
        rows = rng.permutation(len(x))[: len(x) // 2]
        columns = rng.permutation(len(y))[: len(y) // 2]
        parts = within_x[np.ix_(rows, rows)], within_y[np.ix_(columns, columns)], between[np.ix_(rows, columns)]
        halves.append(_discrepancy(*parts))
    return KernelDistance(_discrepancy(within_x, within_y, between), float(np.std(halves)) if halves else 0.0)


def _discrepancy(within_x: Array, within_y: Array, between: Array) -> float:
    return float(_off_diagonal_mean(within_x) + _off_diagonal_mean(within_y) - 2.0 * between.mean())


def _off_diagonal_mean(kernel: Array) -> float:
    count = len(kernel)
    return float((kernel.sum() - np.trace(kernel)) / (count * (count - 1)))
