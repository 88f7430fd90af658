"""The generator as it is trained: the style of a real frame and its label map give a frame again."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from monai_echosynth.losses.spade_gan import StyledFrames
from monai_echosynth.networks.nets.spade_generator import SpadeGenerator

__all__ = ["StyleAutoencoder"]


class StyleAutoencoder(nn.Module):
    """Draws frames in the style of real ones.

    Args:
        generator: what draws them.
    """

    def __init__(self, generator: SpadeGenerator) -> None:
        super().__init__()
        self.generator = generator

    def forward(self, image: Tensor, seg: Tensor, noise: Tensor) -> StyledFrames:
        """Frames in the style of ``image`` (B, 1, X, Y) for maps ``seg`` (B, K, X, Y); ``noise`` (B, S) is unit normal."""
        mean, log_variance = self.generator.encode(image)
        code = mean + torch.exp(0.5 * log_variance) * noise
        return StyledFrames(self.generator(seg, code), image, mean, log_variance)
