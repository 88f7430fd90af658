r"""Closed-form denoisers: data laws whose ideal denoiser and probability-flow ODE are known exactly.

For data :math:`N(\mu, s^2)` the denoiser is linear and the ODE's solution scales the distance to :math:`\mu` by
:math:`\sqrt{s^2 + \sigma^2}`. For any one-dimensional law the ODE keeps quantiles: the distribution function of the noisy
law at :math:`(x(\sigma), \sigma)` is constant along a solution, which gives the mixture's solution by bisection.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

__all__ = ["GaussianDenoiser", "MixtureDenoiser"]


@dataclass(frozen=True)
class GaussianDenoiser:
    """Ideal denoiser of pixels drawn independently from N(mean, std^2)."""

    mean: float = 0.3
    std: float = 0.5

    def __call__(self, x: Tensor, sigma: Tensor) -> Tensor:
        gain = self.std**2 / (self.std**2 + float(sigma) ** 2)
        return self.mean + gain * (x - self.mean)

    def solution(self, x: Tensor, sigma: float, following: float) -> Tensor:
        """Exact ODE solution at ``following`` through ``x`` at ``sigma``."""
        ratio = math.sqrt((self.std**2 + following**2) / (self.std**2 + sigma**2))
        return self.mean + ratio * (x - self.mean)


@dataclass(frozen=True)
class MixtureDenoiser:
    """Ideal denoiser of pixels drawn independently from a mixture of normal laws."""

    weights: Sequence[float] = (0.4, 0.6)
    means: Sequence[float] = (-1.0, 0.8)
    stds: Sequence[float] = (0.3, 0.5)

    def __call__(self, x: Tensor, sigma: Tensor) -> Tensor:
        weights, means, stds = self._components(x)
        total = stds.square() + float(sigma) ** 2
        distance = x.unsqueeze(-1) - means
        responsibility = (weights.log() - 0.5 * total.log() - 0.5 * distance.square() / total).softmax(-1)
        return (responsibility * (means + stds.square() / total * distance)).sum(-1)

    def distribution(self, x: Tensor, sigma: float) -> Tensor:
        """Distribution function of the noisy law."""
        weights, means, stds = self._components(x)
        return (weights * torch.special.ndtr((x.unsqueeze(-1) - means) / (stds.square() + sigma**2).sqrt())).sum(-1)

    def solution(self, x: Tensor, sigma: float, following: float) -> Tensor:
        """Exact ODE solution at ``following`` through ``x`` at ``sigma``, by bisection on the kept quantile."""
        quantile = self.distribution(x, sigma)
        reach = 10 * (max(map(abs, self.means)) + max(self.stds) + following)
        low, high = torch.full_like(x, -reach), torch.full_like(x, reach)
        for _ in range(100):
            middle = (low + high) / 2
            below = self.distribution(middle, following) < quantile
            low, high = torch.where(below, middle, low), torch.where(below, high, middle)
        return (low + high) / 2

    def _components(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        weights, means, stds = (torch.tensor(v, dtype=x.dtype) for v in (self.weights, self.means, self.stds))
        return weights, means, stds
