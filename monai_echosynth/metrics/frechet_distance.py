r"""Frechet distance between the Gaussian laws of two sets of features (FID).

.. math:: d^2 = |\mu_x - \mu_y|^2 + \mathrm{tr}\,\Sigma_x + \mathrm{tr}\,\Sigma_y - 2\,\mathrm{tr} (\Sigma_x \Sigma_y)^{1/2}

With centered data matrices :math:`\Sigma_x = A^\top A` and :math:`\Sigma_y = B^\top B` the last trace is the sum of the
singular values of :math:`A B^\top`, which needs no root of a matrix and keeps its accuracy when there are fewer frames
than features: the product of two singular covariances, whose root MONAI's ``FIDMetric`` and others take, then has a root
with an imaginary part that is not small. Where both work they agree.

The estimate is biased upwards, by about the number of features over the number of frames: sets of different sizes must
not be compared, and for less than some thousand frames the kernel distance is the better number.

References:
    Heusel et al., "GANs Trained by a Two Time-Scale Update Rule", NeurIPS 2017. https://arxiv.org/abs/1706.08500
    Dowson, Landau, "The Frechet distance between multivariate normal distributions", 1982.
    https://doi.org/10.1016/0047-259X(82)90077-X
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from monai_echosynth.metrics.feature_sets import check_features

__all__ = ["frechet_distance", "gaussian_frechet_distance"]

Array = NDArray[np.float64]


def frechet_distance(real: ArrayLike, generated: ArrayLike) -> float:
    """FID of two sets of features; 0 for equal sets, in squared units of the features.

    Args:
        real: (m, d) features of real frames.
        generated: (n, d) features of generated frames.

    Raises:
        ValueError: a set has fewer than two frames, dimensions differ, or a feature is not finite.
    """
    x, y = check_features(real, generated, fewest=2)
    factors = [_factor(part) for part in (x, y)]
    return _distance(x.mean(axis=0), factors[0], y.mean(axis=0), factors[1])


def gaussian_frechet_distance(mean_x: ArrayLike, cov_x: ArrayLike, mean_y: ArrayLike, cov_y: ArrayLike) -> float:
    """Distance of two Gaussian laws given by their means (d,) and covariances (d, d)."""
    factors = [_root(np.asarray(cov, dtype=np.float64)) for cov in (cov_x, cov_y)]
    means = [np.asarray(mean, dtype=np.float64) for mean in (mean_x, mean_y)]
    return _distance(means[0], factors[0], means[1], factors[1])


def _distance(mean_x: Array, factor_x: Array, mean_y: Array, factor_y: Array) -> float:
    shared = np.linalg.svd(factor_x @ factor_y.T, compute_uv=False).sum()
    spread = np.square(factor_x).sum() + np.square(factor_y).sum() - 2.0 * shared
    return float(np.square(mean_x - mean_y).sum() + max(spread, 0.0))


def _factor(features: Array) -> Array:
    """R (min(n, d), d) with R^T R the covariance."""
    centered = (features - features.mean(axis=0)) / np.sqrt(len(features) - 1)
    return np.asarray(np.linalg.qr(centered, mode="r"))


def _root(covariance: Array) -> Array:
    values, vectors = np.linalg.eigh(covariance)
    return np.asarray(np.sqrt(np.maximum(values, 0.0))[:, None] * vectors.T)
