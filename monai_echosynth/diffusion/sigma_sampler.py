r"""Distributions of the training noise level, one per diffusion family.

EDM draws :math:`\ln\sigma` from a normal law, VE from a uniform one; VP draws the time :math:`t` uniformly and maps it
to :math:`\sigma(t)`; iDDPM draws one of its discrete levels (Karras et al. 2022, table 1, "Noise distribution").
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, field

import torch
from torch import Tensor

from monai_echosynth.diffusion.vp_time import VPTime

__all__ = ["DiscreteSigma", "LogNormalSigma", "LogUniformSigma", "SigmaSampler", "VPSigma"]


class SigmaSampler(ABC):
    """Draws training noise levels from a generator.

    References:
        Karras et al., "Elucidating the Design Space of Diffusion-Based Generative Models":
        https://arxiv.org/abs/2206.00364
    """

    @abstractmethod
    def __call__(self, n: int, generator: torch.Generator) -> Tensor:
        """Draw ``n`` noise levels.

        Args:
            n: number of levels.
            generator: CPU generator, the only source of randomness.

        Returns:
            Positive float32 levels (n,) on the CPU.
        """


@dataclass(frozen=True)
class LogNormalSigma(SigmaSampler):
    """``ln sigma ~ N(mean, std^2)`` (EDM).

    Attributes:
        mean: mean of the logarithm.
        std: standard deviation of the logarithm.
    """

    mean: float = -1.2
    std: float = 1.2

    def __call__(self, n: int, generator: torch.Generator) -> Tensor:
        """Draw ``n`` log-normal levels."""
        return (self.mean + self.std * torch.randn(n, generator=generator, dtype=torch.float64)).exp().float()


@dataclass(frozen=True)
class LogUniformSigma(SigmaSampler):
    """``ln sigma ~ U(ln sigma_min, ln sigma_max)`` (VE).

    Attributes:
        sigma_min: lowest level.
        sigma_max: highest level.
    """

    sigma_min: float = 0.02
    sigma_max: float = 100.0

    def __call__(self, n: int, generator: torch.Generator) -> Tensor:
        """Draw ``n`` log-uniform levels."""
        low, high = math.log(self.sigma_min), math.log(self.sigma_max)
        return (low + (high - low) * torch.rand(n, generator=generator, dtype=torch.float64)).exp().float()


@dataclass(frozen=True)
class VPSigma(SigmaSampler):
    """``sigma = sigma(t)`` with ``t ~ U(t_min, 1)`` (VP).

    Attributes:
        time: the law that ties time to noise level.
        t_min: earliest time.
    """

    time: VPTime = field(default_factory=VPTime)
    t_min: float = 1e-5

    def __call__(self, n: int, generator: torch.Generator) -> Tensor:
        """Draw ``n`` levels at uniform times."""
        t = self.t_min + (1 - self.t_min) * torch.rand(n, generator=generator, dtype=torch.float64)
        return self.time.sigma(t).float()


@dataclass(frozen=True, eq=False)
class DiscreteSigma(SigmaSampler):
    """Uniform choice among the levels of a table (iDDPM).

    Attributes:
        table: noise levels (T,).
    """

    table: Tensor

    def __call__(self, n: int, generator: torch.Generator) -> Tensor:
        """Draw ``n`` levels of the table."""
        return self.table[torch.randint(len(self.table), (n,), generator=generator)].float()
