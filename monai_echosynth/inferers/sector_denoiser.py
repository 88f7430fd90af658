"""Denoiser whose estimate outside the ultrasound sector is the background; a weaker companion may guide it.

Autoguidance moves away from what a smaller, less trained network would do with the same input and mask,

.. math:: D = D_0 + w (D_1 - D_0)

so that samples keep to where the data is dense without losing what the mask asks for. Weight 1 leaves the companion out.

References:
    Karras et al., "Guiding a Diffusion Model with a Bad Version of Itself": https://arxiv.org/abs/2406.02507
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from monai_echosynth.diffusion.classifier_free import ClassifierFreeDenoiser, guidance_calls
from monai_echosynth.diffusion.denoiser import Bounds, Denoiser
from monai_echosynth.diffusion.preconditioning import Preconditioning
from monai_echosynth.errors import EchoSynthError

__all__ = ["SectorDenoiser", "autoguidance_calls"]


def autoguidance_calls(companion: nn.Module | None, weight: float) -> int:
    """Network calls of one denoising: 2 with a companion, 1 without or at weight 1.

    Raises:
        EchoSynthError: the weight is below 1 or not finite, or other than 1 without a companion.
    """
    if companion is None and weight != 1:
        raise EchoSynthError(
            f"a guidance weight needs a companion network, got weight {weight} without: name a companion bundle"
        )
    if not weight >= 1:
        raise EchoSynthError(f"an autoguidance weight must be 1 or more, got {weight}: 1 is off, 1.5 a usual one")
    return guidance_calls(weight)


class SectorDenoiser:
    """What solvers call for latents with a sector.

    Args:
        network: denoising network.
        preconditioning: its diffusion family.
        sector: latent sector (B, 1, h, w), 0 or 1.
        bounds: range of the normalized latents; the lower one is what is outside the sector.
        conditioning: keyword arguments of the networks; one mask cache holds the maps of both.
        companion: weaker network of the same latents and masks.
        weight: guidance weight w >= 1.
    """

    def __init__(
        self,
        network: nn.Module,
        preconditioning: Preconditioning,
        sector: Tensor,
        bounds: Bounds,
        conditioning: Mapping[str, Any],
        companion: nn.Module | None = None,
        weight: float = 1.0,
    ) -> None:
        self.sector, self.background = sector, bounds[0]
        self.denoiser: Denoiser | ClassifierFreeDenoiser = Denoiser(network, preconditioning, bounds, **conditioning)
        if autoguidance_calls(companion, weight) == 2:
            assert companion is not None
            guide = Denoiser(companion, preconditioning, bounds, **conditioning)
            self.denoiser = ClassifierFreeDenoiser(self.denoiser, guide, weight)

    @property
    def nfe(self) -> int:
        """Network evaluations so far, those of the companion included."""
        return self.denoiser.nfe

    def __call__(self, x: Tensor, sigma: Tensor | float) -> Tensor:
        """Estimate the clean latents."""
        return torch.where(self.sector > 0, self.denoiser(x, sigma), self.background)
