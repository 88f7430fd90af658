r"""Classifier-free guidance: one network with and without its condition, and a dial between and beyond the two.

.. math:: D(x; \sigma) = D_\emptyset(x; \sigma) + w \, \bigl(D_c(x; \sigma) - D_\emptyset(x; \sigma)\bigr)

Scale 1 is the conditional model and 0 the unconditional one, both exactly and at one network call; above 1 the condition is
exaggerated. The rule holds for denoised images as for predicted noise, since one is affine in the other. Where estimates have
bounds, so has the guided one.

References:
    Ho and Salimans, "Classifier-Free Diffusion Guidance": https://arxiv.org/abs/2207.12598
"""

from __future__ import annotations

import math

from torch import Tensor

from monai_echosynth.diffusion.denoiser import Denoiser
from monai_echosynth.errors import EchoSynthError

__all__ = ["ClassifierFreeDenoiser", "guidance_calls"]


def guidance_calls(scale: float) -> int:
    """Network calls of one denoising: 2, or 1 at the scales 0 and 1.

    Raises:
        EchoSynthError: the scale is negative or not finite.
    """
    if not (math.isfinite(scale) and scale >= 0):
        raise EchoSynthError(
            f"a guidance scale must be 0 or more, got {scale}: 1 follows the condition, 2 exaggerates it"
        )
    return 1 if scale in (0.0, 1.0) else 2


class ClassifierFreeDenoiser:
    """Denoiser that joins two.

    Args:
        conditional: denoiser with the condition bound.
        unconditional: the same network without it.
        scale: guidance scale w >= 0.

    Raises:
        EchoSynthError: the scale is negative or not finite.
    """

    def __init__(self, conditional: Denoiser, unconditional: Denoiser, scale: float) -> None:
        guidance_calls(scale)
        self.conditional, self.unconditional, self.scale = conditional, unconditional, scale

    @property
    def nfe(self) -> int:
        """Network evaluations of both so far."""
        return self.conditional.nfe + self.unconditional.nfe

    def __call__(self, x: Tensor, sigma: float | Tensor) -> Tensor:
        """Estimate the clean images; arguments as of :class:`~monai_echosynth.diffusion.denoiser.Denoiser`."""
        if self.scale == 1:
            return self.conditional(x, sigma)
        free = self.unconditional(x, sigma)
        if self.scale == 0:
            return free
        return self.conditional.bounded(free + self.scale * (self.conditional(x, sigma) - free))
