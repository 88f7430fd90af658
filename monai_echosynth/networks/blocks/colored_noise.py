"""Stochastic texture: white noise through learned filters, mixed place by place.

A network that maps a frame to one other frame can only blur what is random. Speckle is random: the features say how much of each
kind of grain belongs to a place, noise says which of the textures with that grain it is.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

__all__ = ["ColoredNoise"]


class ColoredNoise(nn.Module):
    """Mixture of filtered noise.

    Args:
        channels: features that choose the mixture.
        kinds: filters.
        size: side of a filter, odd.
    """

    def __init__(self, channels: int, kinds: int = 8, size: int = 7) -> None:
        super().__init__()
        self.filters = nn.Parameter(_grains(kinds, size))
        self.amplitude = nn.Conv2d(channels, kinds, 1)
        for parameter in self.amplitude.parameters():
            nn.init.zeros_(parameter)

    def forward(self, features: Tensor, noise: Tensor) -> Tensor:
        """Texture (B, 1, X, Y) of features (B, C, X, Y) and white noise (B, 1, X, Y) of unit variance; zero at the start."""
        size = self.filters.shape[-1]
        filters = self.filters / self.filters.square().sum(dim=(1, 2, 3), keepdim=True).clamp_min(1e-8).sqrt()
        grains = F.conv2d(F.pad(noise, (size // 2,) * 4, mode="replicate"), filters)
        return torch.as_tensor((0.1 * self.amplitude(features) * grains).sum(dim=1, keepdim=True))


def _grains(kinds: int, size: int) -> Tensor:
    """Gaussian grains from fine to coarse, twice as wide across the beams as along them."""
    x = torch.arange(size) - size // 2
    widths = torch.linspace(0.4, size / 5, kinds)
    across, along = (torch.exp(-0.5 * (x[None] / (widths * factor)[:, None]) ** 2) for factor in (1.4, 0.7))
    return (across[:, :, None] * along[:, None, :]).unsqueeze(1)
