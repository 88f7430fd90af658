r"""DPM-Solver++(2M): second order at one evaluation a step, by reuse of the previous one.

In :math:`\lambda = -\ln\sigma` the ODE is linear but for :math:`D`, and a step of :math:`h = \ln(\sigma / \sigma')`
is exact in the linear part (Lu et al. 2022, algorithm 2, with unit signal scale):

.. math::

    x' = \frac{\sigma'}{\sigma} x + \left(1 - \frac{\sigma'}{\sigma}\right) \bar D, \qquad
    \bar D = D_i + \frac{h_i}{2 h_{i-1}} (D_i - D_{i-1})

The first step and the one to :math:`\sigma' = 0`, where :math:`h` is infinite, take :math:`\bar D = D_i`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import ClassVar

from torch import Tensor

from monai_echosynth.diffusion.solvers.base import Denoise, FreshNoise, Solver
from monai_echosynth.diffusion.solvers.multistep import Extrapolation

__all__ = ["DPMpp2MSolver"]


class DPMpp2MSolver(Solver):
    """Two-step multistep exponential integrator.

    References:
        Lu et al., "DPM-Solver++: Fast Solver for Guided Sampling of Diffusion Probabilistic Models":
        https://arxiv.org/abs/2211.01095
    """

    order: ClassVar[int] = 2
    evaluations_per_step: ClassVar[int] = 1

    def _integrate(self, denoise: Denoise, x: Tensor, sigmas: Sequence[float], fresh: FreshNoise) -> Tensor:
        extrapolate = Extrapolation()
        for sigma, following in pairwise(sigmas):
            denoised = denoise(x, sigma)
            if following == 0:
                return denoised
            estimate = extrapolate(denoised, math.log(sigma / following))
            x = estimate + (following / sigma) * (x - estimate)
        return x
