r"""Ancestral (DDPM) sampling: every step draws from the Gaussian posterior of the forward process.

Given the current state and the clean estimate, the state at :math:`\sigma' < \sigma` has the law

.. math::

    q(x' | x, D) = N\left( D + \rho (x - D),\; \sigma'^2 (1 - \rho) \right), \qquad
    \rho = \sigma'^2 / \sigma^2

which is equation 7 of Ho et al. 2020 (variance :math:`\tilde\beta_t`) with the signal scale divided out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import ClassVar

from torch import Tensor

from monai_echosynth.diffusion.solvers.base import Denoise, FreshNoise, Solver

__all__ = ["AncestralSolver"]


class AncestralSolver(Solver):
    """DDPM ancestral sampling; needs one generator per image.

    References:
        Ho, Jain and Abbeel, "Denoising Diffusion Probabilistic Models": https://arxiv.org/abs/2006.11239
    """

    order: ClassVar[int] = 1
    evaluations_per_step: ClassVar[int] = 1

    def _integrate(self, denoise: Denoise, x: Tensor, sigmas: Sequence[float], fresh: FreshNoise) -> Tensor:
        for sigma, following in pairwise(sigmas):
            denoised = denoise(x, sigma)
            shrink = (following / sigma) ** 2
            x = denoised + shrink * (x - denoised)
            if following > 0:
                x = x + following * math.sqrt(1 - shrink) * fresh()
        return x
