r"""Multistep consistency sampling: jump to the clean estimate, add fresh noise of a lower level, jump again.

For a consistency model, a network whose estimate :math:`f(x; \sigma)` is the end of the ODE's trajectory through x,

.. math:: x \leftarrow f(x; \sigma_i) + \sigma_{i+1} n

with a fresh n per level: one call makes a sample, each further one mends what a jump from a higher level got wrong (Song et al.
2023, algorithm 1, with the boundary at noise level 0). On the denoiser of a diffusion model it does not converge to the ODE's
solution for any number of steps; hence ``order`` is 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import ClassVar

from torch import Tensor

from monai_echosynth.diffusion.solvers.base import Denoise, FreshNoise, Solver

__all__ = ["ConsistencySolver"]


class ConsistencySolver(Solver):
    """Multistep consistency sampling; needs one generator per image where it takes more than one call.

    References:
        Song et al., "Consistency Models": https://arxiv.org/abs/2303.01469
    """

    order: ClassVar[int] = 0
    evaluations_per_step: ClassVar[int] = 1

    def _integrate(self, denoise: Denoise, x: Tensor, sigmas: Sequence[float], fresh: FreshNoise) -> Tensor:
        for sigma, following in pairwise(sigmas):
            x = denoise(x, sigma)
            if following > 0:
                x = x + following * fresh()
        return x
