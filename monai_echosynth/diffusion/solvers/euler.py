r"""Euler's method on the probability-flow ODE, order 1, one evaluation a step.

.. math::

    x' = x + (\sigma' - \sigma) \frac{x - D}{\sigma} = D + \frac{\sigma'}{\sigma} (x - D)

The right-hand form gives exactly :math:`D` at :math:`\sigma' = 0`.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import ClassVar

from torch import Tensor

from monai_echosynth.diffusion.solvers.base import Denoise, FreshNoise, Solver

__all__ = ["EulerSolver"]


class EulerSolver(Solver):
    """Euler's method.

    References:
        Karras et al., "Elucidating the Design Space of Diffusion-Based Generative Models":
        https://arxiv.org/abs/2206.00364
    """

    order: ClassVar[int] = 1
    evaluations_per_step: ClassVar[int] = 1

    def _integrate(self, denoise: Denoise, x: Tensor, sigmas: Sequence[float], fresh: FreshNoise) -> Tensor:
        for sigma, following in pairwise(sigmas):
            denoised = denoise(x, sigma)
            x = denoised + (following / sigma) * (x - denoised)
        return x
