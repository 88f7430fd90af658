r"""Variance-preserving preconditioning: the network sees a unit-variance mixture and returns the noise.

:math:`c_{skip} = 1`, :math:`c_{out} = -\sigma`, :math:`c_{in} = 1 / \sqrt{\sigma^2 + 1}`,
:math:`c_{noise} = 999\, t(\sigma)` (Song et al. 2021 as restated by Karras et al. 2022, table 1); the law
:math:`t(\sigma)` is in ``vp_time``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import torch
from torch import Tensor

from monai_echosynth.diffusion.preconditioning import Coefficients, Preconditioning
from monai_echosynth.diffusion.sigma_grid import vp_sigmas
from monai_echosynth.diffusion.sigma_sampler import SigmaSampler, VPSigma
from monai_echosynth.diffusion.vp_time import VPTime

__all__ = ["VP"]


@dataclass(frozen=True)
class VP(Preconditioning):
    """The variance-preserving family.

    Attributes:
        beta_d: growth of the diffusion rate over the unit interval.
        beta_min: diffusion rate at time 0.
        t_min_train: earliest training time.
        t_min_sample: last time of the sampling grid before 0.
        timestep_scale: factor that turns a time into the network's timestep.
        sigma_min: lowest noise level of the sampling grid (derived).
        sigma_max: highest noise level of the sampling grid (derived).

    References:
        Song et al., "Score-Based Generative Modeling through Stochastic Differential Equations":
        https://arxiv.org/abs/2011.13456
    """

    predicts_noise: ClassVar[bool] = True
    beta_d: float = 19.9
    beta_min: float = 0.1
    t_min_train: float = 1e-5
    t_min_sample: float = 1e-3
    timestep_scale: float = 999.0
    sigma_min: float = field(init=False)
    sigma_max: float = field(init=False)

    def __post_init__(self) -> None:
        """Derive the range of noise levels from the range of times."""
        low, high = self.time.sigma(torch.tensor([self.t_min_sample, 1.0], dtype=torch.float64)).tolist()
        object.__setattr__(self, "sigma_min", low)
        object.__setattr__(self, "sigma_max", high)

    @property
    def time(self) -> VPTime:
        """The law between time and noise level."""
        return VPTime(self.beta_d, self.beta_min)

    def coefficients(self, sigma: Tensor) -> Coefficients:
        """Evaluate the four coefficients."""
        return Coefficients(
            skip=torch.ones_like(sigma),
            out=-sigma,
            inp=(sigma.square() + 1).rsqrt(),
            noise=self.timestep_scale * self.time.time(sigma),
        )

    def sigma_sampler(self) -> SigmaSampler:
        """Training levels at uniform times."""
        return VPSigma(self.time, self.t_min_train)

    def sigmas(self, steps: int) -> Tensor:
        """Grid uniform in time."""
        return vp_sigmas(steps, self.time, self.t_min_sample)
