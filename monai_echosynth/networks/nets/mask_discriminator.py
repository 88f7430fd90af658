"""The discriminator of the SPADE-GAN baseline: MONAI's multi-scale patch discriminator, shown frame and label map together."""

from __future__ import annotations

from typing import Any

import torch
from monai.networks.nets import MultiScalePatchDiscriminator
from torch import Tensor, nn

__all__ = ["MaskDiscriminator"]


class MaskDiscriminator(nn.Module):
    """Judges patches of a frame given its label map.

    Args:
        classes: channels K of the label map.
        **kwargs: arguments of ``monai.networks.nets.MultiScalePatchDiscriminator`` (two spatial dimensions).
    """

    def __init__(self, classes: int = 5, **kwargs: Any) -> None:
        super().__init__()
        self.patches = MultiScalePatchDiscriminator(spatial_dims=2, in_channels=1 + classes, norm="INSTANCE", **kwargs)

    def forward(self, image: Tensor, seg: Tensor) -> tuple[list[Tensor], list[list[Tensor]]]:
        """Logits and inner features of each scale for frames (B, 1, X, Y) and maps (B, K, X, Y)."""
        logits, features = self.patches(torch.cat([image, seg], dim=1))
        return logits, features
