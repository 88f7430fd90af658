r"""Heun's method (explicit trapezoid) on the probability-flow ODE, order 2, two evaluations a step.

With the slope :math:`d(x, \sigma) = (x - D(x; \sigma)) / \sigma`

.. math::

    \tilde x = x + (\sigma' - \sigma) d(x, \sigma), \qquad
    x' = x + (\sigma' - \sigma) \tfrac12 \left( d(x, \sigma) + d(\tilde x, \sigma') \right)

The corrector evaluates the denoiser at the *predicted* point and the *new* level. The slope is undefined at
:math:`\sigma' = 0`, so the last step is Euler's and N steps take 2N - 1 evaluations (Karras et al. 2022, algorithm
1).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import ClassVar

from torch import Tensor

from monai_echosynth.diffusion.solvers.base import Denoise, FreshNoise, Solver

__all__ = ["HeunSolver", "heun_step"]


class HeunSolver(Solver):
    """Heun's method.

    References:
        Karras et al., "Elucidating the Design Space of Diffusion-Based Generative Models":
        https://arxiv.org/abs/2206.00364
    """

    order: ClassVar[int] = 2
    evaluations_per_step: ClassVar[int] = 2

    def _integrate(self, denoise: Denoise, x: Tensor, sigmas: Sequence[float], fresh: FreshNoise) -> Tensor:
        for sigma, following in pairwise(sigmas):
            x = heun_step(denoise, x, sigma, following)
        return x


def heun_step(denoise: Denoise, x: Tensor, sigma: float, following: float) -> Tensor:
    """One step from ``sigma`` to ``following``; Euler's where ``following`` is 0."""
    denoised = denoise(x, sigma)
    predicted = denoised + (following / sigma) * (x - denoised)
    if following == 0:
        return predicted
    slope = (x - denoised) / sigma
    slope_there = (predicted - denoise(predicted, following)) / following
    return x + (0.5 * (following - sigma)) * (slope + slope_there)
