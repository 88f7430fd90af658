r"""Conditioning encoders: what guides the synthesis becomes tokens :math:`\tau(z) \in \mathbb{R}^{M \times 128}`.

- a class: a learned embedding of a few tokens;
- a text: the hidden states of a frozen text encoder, projected;
- a picture: three convolutions of stride two, one token a patch of 8 x 8 pixels, with its place added.

The U-Net attends to them (section 3.2 of the guided latent diffusion paper).
"""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor, nn

__all__ = ["TOKEN_WIDTH", "ClassTokens", "ImageTokens", "TextTokens"]

TOKEN_WIDTH = 128
"""Features of a token."""


class ClassTokens(nn.Module):
    """Tokens of a class.

    Args:
        classes: number of classes K.
        tokens: tokens a class; more than one lets places attend to different ones.
    """

    def __init__(self, classes: int, tokens: int = 4) -> None:
        super().__init__()
        self.tokens = tokens
        self.embedding = nn.Embedding(classes, tokens * TOKEN_WIDTH)

    def forward(self, condition: Tensor) -> Tensor:
        """Class numbers (B,) to tokens (B, M, 128)."""
        return self.embedding(condition.long()).unflatten(1, (self.tokens, TOKEN_WIDTH))


class TextTokens(nn.Module):
    """Tokens of a text from the hidden states of a frozen text encoder.

    Args:
        width: features W of the hidden states.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.project = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, TOKEN_WIDTH), nn.SiLU(), nn.Linear(TOKEN_WIDTH, TOKEN_WIDTH)
        )

    def forward(self, condition: Tensor) -> Tensor:
        """Hidden states (B, L, W) to tokens (B, L, 128)."""
        return self.project(condition)


class ImageTokens(nn.Module):
    """Tokens of a guide picture, one a patch of 8 x 8 pixels.

    Args:
        channels: channels after the first two of three downsamplings.
    """

    def __init__(self, channels: tuple[int, int] = (32, 64)) -> None:
        super().__init__()
        widths = (1, *channels, TOKEN_WIDTH)
        layers: list[nn.Module] = []
        for i, (before, after) in enumerate(pairwise(widths)):
            layers += [nn.GroupNorm(8, before), nn.SiLU()] if i else []
            layers += [nn.Conv2d(before, after, 3, stride=2, padding=1)]
        self.convolutions = nn.Sequential(*layers)
        self.norm = nn.LayerNorm(TOKEN_WIDTH)

    def forward(self, condition: Tensor) -> Tensor:
        """Pictures (B, 1, X, Y), in [0, 1] or uint8 gray levels, to tokens (B, X/8 * Y/8, 128)."""
        picture = condition if condition.is_floating_point() else condition.float() / 255.0
        features = self.convolutions(picture)
        tokens = self.norm(features.flatten(2).transpose(1, 2))
        return tokens + _places(features.shape[2], features.shape[3], tokens)


def _places(rows: int, columns: int, like: Tensor) -> Tensor:
    """Sines and cosines of the place of each token (rows * columns, 128)."""
    quarter = TOKEN_WIDTH // 4
    rates = torch.exp(-math.log(100.0) * torch.arange(quarter, device=like.device) / quarter)
    x, y = torch.meshgrid(
        torch.arange(rows, device=like.device), torch.arange(columns, device=like.device), indexing="ij"
    )
    angles = [axis.reshape(-1, 1) * rates for axis in (x, y)]
    return torch.cat([wave(angle) for angle in angles for wave in (torch.sin, torch.cos)], dim=1).to(like.dtype)
