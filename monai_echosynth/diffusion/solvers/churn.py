r"""Heun's method with churn: fresh noise lifts the level a little before every step.

At levels inside :math:`[S_{tmin}, S_{tmax}]` the state first climbs to :math:`\hat\sigma = (1 + \gamma) \sigma` with
:math:`\gamma = \min(S_{churn} / N, \sqrt 2 - 1)`,

.. math::

    \hat x = x + \sqrt{\hat\sigma^2 - \sigma^2}\, S_{noise}\, n,

then takes a Heun step from :math:`\hat\sigma` to the next level (Karras et al. 2022, algorithm 2). Without churn it
is Heun's method.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

from torch import Tensor

from monai_echosynth.diffusion.solvers.base import Denoise, FreshNoise, Solver
from monai_echosynth.diffusion.solvers.heun import heun_step
from monai_echosynth.errors import EchoSynthError

__all__ = ["ChurnSolver"]


@dataclass(frozen=True)
class ChurnSolver(Solver):
    """Stochastic Heun sampler; needs one generator per image.

    Attributes:
        churn: total amount of noise put back, >= 0; divided over the steps.
        churn_min: lowest noise level that is churned.
        churn_max: highest noise level that is churned.
        noise_scale: standard deviation of the fresh noise; slightly above 1 makes up for lost detail.

    References:
        Karras et al., "Elucidating the Design Space of Diffusion-Based Generative Models":
        https://arxiv.org/abs/2206.00364
    """

    churn: float = 40.0
    churn_min: float = 0.05
    churn_max: float = 50.0
    noise_scale: float = 1.003
    order: ClassVar[int] = 2
    evaluations_per_step: ClassVar[int] = 2

    def __post_init__(self) -> None:
        """Reject a negative amount of noise."""
        if self.churn < 0:
            raise EchoSynthError(f"churn must be at least 0, got {self.churn}; 0 is the deterministic method")

    def _integrate(self, denoise: Denoise, x: Tensor, sigmas: Sequence[float], fresh: FreshNoise) -> Tensor:
        lift = min(self.churn / (len(sigmas) - 1), math.sqrt(2) - 1)
        for sigma, following in pairwise(sigmas):
            if lift > 0 and self.churn_min <= sigma <= self.churn_max:
                lifted = sigma * (1 + lift)
                x = x + math.sqrt(lifted**2 - sigma**2) * self.noise_scale * fresh()
                x = heun_step(denoise, x, lifted, following)
            else:
                x = heun_step(denoise, x, sigma, following)
        return x
