r"""SDE-DPM-Solver++(2M): the multistep method on the reverse SDE, with fresh noise in every step.

With :math:`h = \ln(\sigma / \sigma')` the SDE is exact in its linear part and its noise (Lu et al. 2022, appendix, with
unit signal scale):

.. math::

    x' = e^{-2h} x + \left(1 - e^{-2h}\right) \bar D + \sigma' \sqrt{1 - e^{-2h}}\, n, \qquad
    \bar D = D_i + \frac{h_i}{2 h_{i-1}} (D_i - D_{i-1})

Without the correction by the previous estimate it is the ancestral sampler. Fresh noise lets later, lower levels mend what
went wrong at earlier ones; the correction keeps the contrast that the ancestral sampler loses in few steps. The first step
and the one to :math:`\sigma' = 0` take :math:`\bar D = D_i`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import ClassVar

from torch import Tensor

from monai_echosynth.diffusion.solvers.base import Denoise, FreshNoise, Solver
from monai_echosynth.diffusion.solvers.multistep import Extrapolation

__all__ = ["DPMpp2MSDESolver"]


class DPMpp2MSDESolver(Solver):
    """Two-step multistep method with fresh noise; needs one generator per image.

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
            shrink = (following / sigma) ** 2
            x = estimate + shrink * (x - estimate) + following * math.sqrt(1 - shrink) * fresh()
        return x
