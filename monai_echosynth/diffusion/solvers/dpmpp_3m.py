r"""DPM-Solver++(3M): third order at one evaluation a step, by reuse of the two previous ones.

The multistep method of the paper with a quadratic polynomial through the last three estimates, integrated exactly
(:mod:`~monai_echosynth.diffusion.solvers.exponential_adams`); the first two steps have the estimates that there are. The step to
:math:`\sigma' = 0`, where its length is infinite, returns the last estimate.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import ClassVar

from torch import Tensor

from monai_echosynth.diffusion.solvers.base import Denoise, FreshNoise, Solver
from monai_echosynth.diffusion.solvers.exponential_adams import exponential_step

__all__ = ["DPMpp3MSolver"]


class DPMpp3MSolver(Solver):
    """Three-step multistep exponential integrator.

    References:
        Lu et al., "DPM-Solver++: Fast Solver for Guided Sampling of Diffusion Probabilistic Models":
        https://arxiv.org/abs/2211.01095
    """

    order: ClassVar[int] = 3
    evaluations_per_step: ClassVar[int] = 1

    def _integrate(self, denoise: Denoise, x: Tensor, sigmas: Sequence[float], fresh: FreshNoise) -> Tensor:
        levels: list[float] = []
        estimates: list[Tensor] = []
        for sigma, following in pairwise(sigmas):
            levels, estimates = [sigma, *levels[:2]], [denoise(x, sigma), *estimates[:2]]
            if following == 0:
                return estimates[0]
            nodes = [math.log(sigma / level) for level in levels]
            x = exponential_step(x, math.log(sigma / following), nodes, estimates)
        return x
