r"""DDIM with its noise dial eta, from the deterministic sampler to the ancestral one.

DDIM steps between cumulative signal fractions :math:`\bar\alpha = 1 / (1 + \sigma^2)` of the scaled state
:math:`y = \sqrt{\bar\alpha} x` (Song et al. 2020, equations 12 and 16):

.. math::

    y' = \sqrt{\bar\alpha'} D + \sqrt{1 - \bar\alpha' - s^2}\, n_\theta + s\, n, \qquad
    s^2 = \eta^2 \frac{1 - \bar\alpha'}{1 - \bar\alpha} \left(1 - \frac{\bar\alpha}{\bar\alpha'}\right)

with :math:`n_\theta = (x - D) / \sigma`. Divided by :math:`\sqrt{\bar\alpha'}` this is, in the coordinates used here,

.. math::

    x' = D + \sqrt{\sigma'^2 - v}\, n_\theta + \sqrt v\, n, \qquad v = \eta^2 \sigma'^2 (1 - \sigma'^2 / \sigma^2)

Exact relations: eta = 0 is Euler's method in :math:`\sigma` (same map, other name), eta = 1 is the ancestral sampler.
What is DDIM's own is everything between; results at eta = 0 differ from Euler's by rounding only.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

from torch import Tensor

from monai_echosynth.diffusion.solvers.base import Denoise, FreshNoise, Solver
from monai_echosynth.errors import EchoSynthError

__all__ = ["DDIMSolver"]


@dataclass(frozen=True)
class DDIMSolver(Solver):
    """DDIM.

    Attributes:
        eta: share of fresh noise in [0, 1]; 0 draws none and needs no generator.

    References:
        Song, Meng and Ermon, "Denoising Diffusion Implicit Models": https://arxiv.org/abs/2010.02502
    """

    eta: float = 0.0
    order: ClassVar[int] = 1
    evaluations_per_step: ClassVar[int] = 1

    def __post_init__(self) -> None:
        """Check the range of eta."""
        if not 0 <= self.eta <= 1:
            raise EchoSynthError(f"eta must lie in [0, 1], got {self.eta}; 0 is deterministic, 1 is ancestral")

    def _integrate(self, denoise: Denoise, x: Tensor, sigmas: Sequence[float], fresh: FreshNoise) -> Tensor:
        for sigma, following in pairwise(sigmas):
            denoised = denoise(x, sigma)
            predicted_noise = (x - denoised) / sigma
            variance = (self.eta * following) ** 2 * (1 - (following / sigma) ** 2)
            x = denoised + math.sqrt(following**2 - variance) * predicted_noise
            if variance > 0:
                x = x + math.sqrt(variance) * fresh()
        return x
