r"""Distances of two samples of statistics that know no places: the baselines of local alignment.

MMD is the unbiased squared maximum mean discrepancy under a sum of Gaussian kernels of widths 1/2 to 4 times the root of the
dimension; CORAL the squared distance of the means and of the covariances.

References:
    Gretton et al., "A Kernel Two-Sample Test", JMLR 13, 2012, https://jmlr.org/papers/v13/gretton12a.html
    Sun and Saenko, "Deep CORAL", ECCV Workshops 2016, https://arxiv.org/abs/1607.01719
"""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["coral_distance", "mmd_distance"]

WIDTHS = (0.5, 1.0, 2.0, 4.0)


def mmd_distance(a: Tensor, b: Tensor) -> Tensor:
    """Squared MMD of samples (m, d) and (n, d), standardized features; scalar, zero in the mean for equal laws.

    Raises:
        ValueError: a sample has fewer than two rows.
    """
    if min(len(a), len(b)) < 2:
        raise ValueError(f"MMD needs two or more rows of each sample, got {len(a)} and {len(b)}")
    return _without_diagonal(_kernel(a, a)) + _without_diagonal(_kernel(b, b)) - 2.0 * _kernel(a, b).mean()


def coral_distance(a: Tensor, b: Tensor) -> Tensor:
    """Squared distance of means and covariances of samples (m, d) and (n, d), divided by d and d^2; scalar."""
    covariance = torch.cov(a.T, correction=0) - torch.cov(b.T, correction=0)
    return (a.mean(dim=0) - b.mean(dim=0)).square().mean() + covariance.square().mean()


def _kernel(a: Tensor, b: Tensor) -> Tensor:
    square = (a.square().sum(1, keepdim=True) + b.square().sum(1) - 2.0 * a @ b.T).clamp_min(0.0) / a.shape[1]
    return torch.stack([(-square / (2.0 * width**2)).exp() for width in WIDTHS]).mean(dim=0)


def _without_diagonal(kernel: Tensor) -> Tensor:
    count = len(kernel)
    return (kernel.sum() - kernel.diagonal().sum()) / (count * (count - 1))
