r"""UniPC: every evaluation serves twice, to correct the step that led to it and to predict the next one.

A step predicts :math:`\tilde x'` from the last two estimates, evaluates :math:`D' = D(\tilde x'; \sigma')` and corrects the
step with :math:`D'` among the estimates; the next step starts at the corrected state with :math:`D'`, not evaluated again.
Predictor and corrector are the exponential Adams steps of :mod:`~monai_echosynth.diffusion.solvers.exponential_adams`: with all
orders matched, the coefficients that the paper solves for are those of the interpolating polynomial, and its free function B(h)
cancels; where it does not, at second order, B(h) is :math:`e^h - 1`. The corrector raises the order of the predictor by one. The
evaluation at the last level before 0 is the sample. A predictor of order 3 gains nothing at 5 to 12 calls, where it overshoots.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import ClassVar

from torch import Tensor

from monai_echosynth.diffusion.solvers.base import Denoise, FreshNoise, Solver
from monai_echosynth.diffusion.solvers.exponential_adams import exponential_step

__all__ = ["UniPCSolver"]

_NODES = 2


class UniPCSolver(Solver):
    """UniPC with a predictor of order 2.

    References:
        Zhao et al., "UniPC: A Unified Predictor-Corrector Framework for Fast Sampling of Diffusion Models":
        https://arxiv.org/abs/2302.04867
    """

    order: ClassVar[int] = _NODES + 1
    evaluations_per_step: ClassVar[int] = 1

    def _integrate(self, denoise: Denoise, x: Tensor, sigmas: Sequence[float], fresh: FreshNoise) -> Tensor:
        levels, estimates = [sigmas[0]], [denoise(x, sigmas[0])]
        for sigma, following in pairwise(sigmas):
            if following == 0:
                return estimates[0]
            step = math.log(sigma / following)
            nodes = [math.log(sigma / level) for level in levels]
            predicted = exponential_step(x, step, nodes, estimates)
            if following == sigmas[-1]:
                return predicted
            seen = denoise(predicted, following)
            x = exponential_step(x, step, [step, *nodes], [seen, *estimates])
            levels, estimates = [following, *levels[: _NODES - 1]], [seen, *estimates[: _NODES - 1]]
        return x
