"""The network of guided latent diffusion: MONAI's diffusion U-Net with cross-attention to the tokens of a conditioning encoder.

Encoder and U-Net are trained together. Learned empty tokens take the place of the condition where it is dropped in training or
left out in sampling, which is what classifier-free guidance needs.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import torch
import torch.nn.functional as F
from monai.networks.nets import DiffusionModelUNet
from torch import Tensor, nn

from monai_echosynth.errors import EchoSynthError
from monai_echosynth.networks.blocks.guide_tokens import TOKEN_WIDTH, ClassTokens, ImageTokens, TextTokens

__all__ = ["GuidedUNet", "Guidance", "guided_unet"]

_UNETS: dict[str, dict[str, Any]] = {
    "quick": {
        "patch": 2,
        "channels": (48, 96, 96),
        "num_res_blocks": 1,
        "attention_levels": (False, False, True),
        "norm_num_groups": 16,
        "num_head_channels": 32,
    },
    "cpu": {
        "patch": 2,
        "channels": (64, 128, 128),
        "num_res_blocks": 1,
        "attention_levels": (False, True, True),
        "num_head_channels": 32,
    },
    "paper": {
        "channels": (128, 256, 384, 512),
        "num_res_blocks": 2,
        "attention_levels": (False, True, True, True),
        "num_head_channels": 64,
    },
}


class Guidance(StrEnum):
    """What guides the synthesis."""

    CLASS = "class"
    TEXT = "text"
    IMAGE = "image"


class GuidedUNet(nn.Module):
    """MONAI's ``DiffusionModelUNet`` with its conditioning encoder.

    Args:
        encoder: maps conditions to tokens (B, M, 128).
        latent_channels: channels of the latents, in and out.
        patch: side of the square patches that are folded into channels on the way in and unfolded on the way out.
        **unet: further arguments of ``monai.networks.nets.DiffusionModelUNet``.
    """

    def __init__(self, encoder: nn.Module, latent_channels: int = 1, patch: int = 1, **unet: Any) -> None:
        super().__init__()
        self.encoder = encoder
        self.patch = patch
        self.empty = nn.Parameter(0.02 * torch.randn(1, 1, TOKEN_WIDTH))
        self.unet = DiffusionModelUNet(
            spatial_dims=2,
            in_channels=latent_channels * patch**2,
            out_channels=latent_channels * patch**2,
            with_conditioning=True,
            cross_attention_dim=TOKEN_WIDTH,
            use_flash_attention=True,
            **unet,
        )

    def forward(
        self, x: Tensor, timesteps: Tensor, condition: Tensor | None = None, dropped: Tensor | None = None
    ) -> Tensor:
        """Predicted noise, the shape of ``x``.

        Args:
            x: scaled noisy latents (B, C, H, W).
            timesteps: number of the noise level (B,).
            condition: what the encoder takes, B of them; without it the network is unconditional.
            dropped: True (B,) where the condition is not shown.
        """
        tokens = self.empty.expand(len(x), -1, -1) if condition is None else self.encoder(condition)
        if dropped is not None:
            tokens = torch.where(dropped[:, None, None], self.empty.to(tokens.dtype), tokens)
        folded = F.pixel_unshuffle(x, self.patch)
        return F.pixel_shuffle(self.unet(folded, timesteps, context=tokens), self.patch)


def guided_unet(
    size: str = "cpu",
    guidance: Guidance | str = Guidance.CLASS,
    classes: int = 3,
    text_width: int = 512,
    **overrides: Any,
) -> GuidedUNet:
    """Network of a named size.

    Args:
        size: ``quick``, ``cpu`` or ``paper``.
        guidance: which conditioning encoder it has.
        classes: number of classes, for class guidance.
        text_width: features of the text encoder's hidden states, for text guidance.
        **overrides: arguments of :class:`GuidedUNet`.

    Raises:
        EchoSynthError: there is no such size or guidance.
    """
    if size not in _UNETS:
        raise EchoSynthError(f"unknown network size {size!r}: choose one of {', '.join(_UNETS)}")
    if guidance not in list(Guidance):
        raise EchoSynthError(f"guidance must be one of {', '.join(Guidance)}, got {guidance!r}: choose one")
    encoders = {
        Guidance.CLASS: lambda: ClassTokens(classes),
        Guidance.TEXT: lambda: TextTokens(text_width),
        Guidance.IMAGE: ImageTokens,
    }
    return GuidedUNet(encoders[Guidance(guidance)](), **(_UNETS[size] | overrides))
