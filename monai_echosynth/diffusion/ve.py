r"""Variance-exploding preconditioning: the network returns minus the noise.

:math:`c_{skip} = 1`, :math:`c_{out} = \sigma`, :math:`c_{in} = 1`, :math:`c_{noise} = \ln(\sigma / 2)`
(Song et al. 2021 as restated by Karras et al. 2022, table 1).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from monai_echosynth.diffusion.preconditioning import Coefficients, Preconditioning
from monai_echosynth.diffusion.sigma_grid import geometric_sigmas
from monai_echosynth.diffusion.sigma_sampler import LogUniformSigma, SigmaSampler

__all__ = ["VE"]


@dataclass(frozen=True)
class VE(Preconditioning):
    """The variance-exploding family.

    Attributes:
        sigma_min: lowest noise level, in training and sampling.
        sigma_max: highest noise level, in training and sampling.

    References:
        Song et al., "Score-Based Generative Modeling through Stochastic Differential Equations":
        https://arxiv.org/abs/2011.13456
    """

    predicts_noise: ClassVar[bool] = True
    sigma_min: float = 0.02
    sigma_max: float = 100.0

    def coefficients(self, sigma: Tensor) -> Coefficients:
        """Evaluate the four coefficients."""
        one = torch.ones_like(sigma)
        return Coefficients(skip=one, out=sigma, inp=one, noise=(sigma / 2).log())

    def sigma_sampler(self) -> SigmaSampler:
        """Log-uniform training levels."""
        return LogUniformSigma(self.sigma_min, self.sigma_max)

    def sigmas(self, steps: int) -> Tensor:
        """Geometric grid."""
        return geometric_sigmas(steps, self.sigma_min, self.sigma_max)
