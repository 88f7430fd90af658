r"""Discrete DDPM preconditioning (iDDPM, SDM, guided latent diffusion): T noise levels, the network returns the noise.

:math:`c_{skip} = 1`, :math:`c_{out} = -\sigma`, :math:`c_{in} = 1 / \sqrt{\sigma^2 + 1}`, :math:`c_{noise}` = index
of the level nearest to :math:`\sigma`, 0 (least noise) to T - 1. The levels follow from the cumulative signal
fraction of a DDPM by :math:`\sigma_t^2 = (1 - \bar\alpha_t) / \bar\alpha_t`, with either the cosine schedule

.. math::

    \bar\alpha(u) \propto \cos^2\left(\frac{\pi}{2} \frac{u + 0.008}{1.008}\right), \qquad \beta_t \le 0.999

(Nichol and Dhariwal 2021, section 3.2), :math:`\beta_t` linear from 1e-4 to 0.02 (Ho et al. 2020, section 4), or
:math:`\sqrt{\beta_t}` linear (Rombach et al. 2022), as most latent diffusion models have it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar

import torch
from torch import Tensor

from monai_echosynth.diffusion.preconditioning import Coefficients, Preconditioning
from monai_echosynth.diffusion.sigma_grid import table_sigmas
from monai_echosynth.diffusion.sigma_sampler import DiscreteSigma, SigmaSampler
from monai_echosynth.errors import EchoSynthError

__all__ = ["IDDPM", "BetaSchedule"]


class BetaSchedule(StrEnum):
    """Law of the per-step noise of a DDPM."""

    COSINE = "cosine"
    LINEAR = "linear"
    SCALED_LINEAR = "scaled_linear"


@dataclass(frozen=True, eq=False)
class IDDPM(Preconditioning):
    """The discrete DDPM family.

    Attributes:
        num_train_timesteps: number of levels T.
        schedule: law of the per-step noise.
        beta_start: first beta of the linear schedules.
        beta_end: last beta of the linear schedules.
        sigma_cap: sampling starts at the highest level not above this; the last few levels of the cosine schedule
            (up to 2e4) hold no signal and would only waste steps.
        table: the T noise levels, increasing, float64 (derived).
        sigma_min: lowest noise level of the sampling grid (derived).
        sigma_max: highest noise level of the sampling grid (derived).

    References:
        Nichol and Dhariwal, "Improved Denoising Diffusion Probabilistic Models": https://arxiv.org/abs/2102.09672
        Ho, Jain and Abbeel, "Denoising Diffusion Probabilistic Models": https://arxiv.org/abs/2006.11239
        Rombach et al., "High-Resolution Image Synthesis with Latent Diffusion Models": https://arxiv.org/abs/2112.10752
    """

    predicts_noise: ClassVar[bool] = True
    num_train_timesteps: int = 1000
    schedule: BetaSchedule = BetaSchedule.COSINE
    beta_start: float = 1e-4
    beta_end: float = 0.02
    sigma_cap: float = 160.0
    table: Tensor = field(init=False, repr=False)
    sigma_min: float = field(init=False)
    sigma_max: float = field(init=False)

    def __post_init__(self) -> None:
        """Compute the table of noise levels."""
        if self.num_train_timesteps < 2:
            raise EchoSynthError(
                f"num_train_timesteps must be at least 2, got {self.num_train_timesteps}; 1000 is customary"
            )
        log_signal = torch.log1p(-self._betas()).cumsum(0)
        object.__setattr__(self, "table", torch.expm1(-log_signal).sqrt())
        used = self._sampled_table()
        if len(used) == 0:
            raise EchoSynthError(
                f"sigma_cap must exceed the lowest level {float(self.table[0]):.4g}, got {self.sigma_cap}; raise it"
            )
        object.__setattr__(self, "sigma_min", float(used[0]))
        object.__setattr__(self, "sigma_max", float(used[-1]))

    def coefficients(self, sigma: Tensor) -> Coefficients:
        """Evaluate the four coefficients."""
        middles = ((self.table[1:] + self.table[:-1]) / 2).to(sigma.device)
        index = torch.searchsorted(middles, sigma.to(torch.float64).contiguous())
        return Coefficients(
            skip=torch.ones_like(sigma),
            out=-sigma,
            inp=(sigma.square() + 1).rsqrt(),
            noise=index.to(sigma.dtype),
        )

    def sigma_sampler(self) -> SigmaSampler:
        """Uniform choice among all T levels."""
        return DiscreteSigma(self.table)

    def sigmas(self, steps: int) -> Tensor:
        """Evenly spread levels of the table."""
        return table_sigmas(steps, self._sampled_table())

    def _betas(self) -> Tensor:
        """Per-step noise variances, float64 (T,)."""
        count = self.num_train_timesteps
        if BetaSchedule(self.schedule) is BetaSchedule.LINEAR:
            return torch.linspace(self.beta_start, self.beta_end, count, dtype=torch.float64)
        if BetaSchedule(self.schedule) is BetaSchedule.SCALED_LINEAR:
            return torch.linspace(self.beta_start**0.5, self.beta_end**0.5, count, dtype=torch.float64).square()
        u = torch.arange(count + 1, dtype=torch.float64) / count
        signal = torch.cos(0.5 * math.pi * (u + 0.008) / 1.008).square()
        return (1 - signal[1:] / signal[:-1]).clamp(max=0.999)

    def _sampled_table(self) -> Tensor:
        """The levels that sampling uses."""
        return self.table[self.table <= self.sigma_cap]
