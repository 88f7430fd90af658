r"""From fused features to a frame in two stages.

The global stage sees the coarse features and changes what is smooth: a gain and an offset field, and a displacement of at most
``max_shift`` pixels. The local stage sees the fine ones and adds a residual of high frequency: leaflets, trabeculae, speckle.

.. math:: y = x' e^{g} + b + h(d + t), \qquad x'(p) = x(p + u(p)), \quad |u| \le u_{\max}

with the high-pass h, the detail d and the stochastic texture t. Every map starts at zero, and the frame unchanged.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from monai.networks.blocks import Convolution
from torch import Tensor, nn
from torch.nn import functional as F

from monai_echosynth.networks.blocks.colored_noise import ColoredNoise
from monai_echosynth.networks.blocks.morphology import gaussian_smooth

__all__ = ["GlobalStage", "Geometry", "LocalStage"]

GAIN, OFFSET = 0.7, 0.3
"""Largest logarithm of the gain, and largest offset in gray levels of full scale 1."""


class Geometry(NamedTuple):
    """What the global stage changes: log ``gain`` and ``offset`` (B, 1, X, Y), and ``shift`` (B, 2, X, Y) in pixels."""

    gain: Tensor
    offset: Tensor
    shift: Tensor


class GlobalStage(nn.Module):
    """Smooth change.

    Args:
        channels: features of the coarsest level.
        max_shift: largest displacement of any pixel, in pixels; 0 for none.
    """

    def __init__(self, channels: int, max_shift: float = 0.5) -> None:
        super().__init__()
        self.max_shift = max_shift
        self.maps = nn.Conv2d(channels, 4, 3, padding=1, padding_mode="replicate")
        nn.init.zeros_(self.maps.weight)
        self.maps.bias = nn.Parameter(torch.zeros(4))

    def forward(self, image: Tensor, features: Tensor, weight: Tensor) -> tuple[Tensor, Geometry]:
        """Changed frame (B, 1, X, Y) of a frame, coarse features (B, C, h, w) and a weight (B, 1, X, Y) in [0, 1] of gain and
        offset; and what was done.
        """
        maps = gaussian_smooth(self.maps(features).float(), 0.7)
        maps = F.interpolate(maps, image.shape[-2:], mode="bicubic", align_corners=False).tanh()
        along = maps[:, 2:] / maps[:, 2:].norm(dim=1, keepdim=True).clamp_min(1.0)
        found = Geometry(weight * GAIN * maps[:, :1], weight * OFFSET * maps[:, 1:2], self.max_shift * along)
        moved = _moved(image, found.shift) if self.max_shift > 0 else image
        return moved * found.gain.exp() + found.offset, found


class LocalStage(nn.Module):
    """High-frequency residual.

    Args:
        coarse: channels of the fused features.
        fine: channels of the finer features they are joined with, from coarse to fine; the last are at full resolution.
        stochastic: add stochastic texture.
        sigma: standard deviation of the Gaussian above whose frequencies the residual lives, pixels.
    """

    def __init__(self, coarse: int, fine: tuple[int, ...], stochastic: bool = True, sigma: float = 4.0) -> None:
        super().__init__()
        self.sigma = sigma
        self.stages = nn.ModuleList()
        before = coarse
        for channels in fine:
            self.stages.append(Convolution(2, before + channels, channels, norm=None, act="LEAKYRELU"))
            before = channels
        self.detail = nn.Conv2d(before, 1, 3, padding=1)
        nn.init.zeros_(self.detail.weight)
        self.texture = ColoredNoise(before) if stochastic else None

    def forward(self, features: Tensor, fine: list[Tensor], noise: Tensor) -> Tensor:
        """Residual (B, 1, X, Y) of fused features, the finer ones from coarse to fine, and noise (B, 1, X, Y)."""
        for stage, beside in zip(self.stages, fine, strict=True):
            up = F.interpolate(features, beside.shape[-2:], mode="bilinear", align_corners=False)
            features = stage(torch.cat([up, beside], dim=1))
        residual = self.detail(features)
        if self.texture is not None:
            residual = residual + self.texture(features, noise)
        return torch.as_tensor(residual - gaussian_smooth(residual, self.sigma))


def _moved(image: Tensor, shift: Tensor) -> Tensor:
    """Values of frames (B, 1, X, Y) at every place plus ``shift`` (B, 2, X, Y) in pixels, between pixels by linear weights."""
    width, height = image.shape[-2:]
    x = torch.arange(width, device=image.device).reshape(1, -1, 1) + shift[:, 0]
    y = torch.arange(height, device=image.device).reshape(1, 1, -1) + shift[:, 1]
    places = torch.stack([2.0 * y / (height - 1) - 1.0, 2.0 * x / (width - 1) - 1.0], dim=-1)
    return F.grid_sample(image, places.to(image.dtype), mode="bilinear", padding_mode="border", align_corners=True)
