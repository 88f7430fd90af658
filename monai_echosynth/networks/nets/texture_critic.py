r"""Judges whether neighborhoods of a frame look real: an adversary that learns what local statistics do not measure.

A patch network at full and one at half resolution see small neighborhoods of a frame with zero mean and unit variance
in its sector, hence grain and edges, hardly the anatomy. With the least-squares objective real places are drawn to 1 and made
ones to 0, while what makes the frame is drawn to where its places are taken for real.

References:
    Mao et al., "Least Squares Generative Adversarial Networks", ICCV 2017, https://arxiv.org/abs/1611.04076
    Isola et al., "Image-to-Image Translation with Conditional Adversarial Networks", CVPR 2017, https://arxiv.org/abs/1611.07004
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from monai.networks.blocks import Convolution
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F

from monai_echosynth.losses.sector_mean import sector_mean

__all__ = ["TextureCritic"]

LEVELS = 255
"""Gray levels of a stored frame; finer differences are none."""


class TextureCritic(nn.Module):
    """The networks.

    Args:
        scales: resolutions, each half the one before.
        channels: features of the layers; all but the first halve the resolution.
    """

    def __init__(self, scales: int = 2, channels: Sequence[int] = (16, 32, 48)) -> None:
        super().__init__()
        self.judges = nn.ModuleList(_judge(tuple(channels)) for _ in range(scales))

    def forward(self, image: Tensor, sector: Tensor, wanted: float) -> Tensor:
        """Mean squared distance of the scores of places from ``wanted``.

        Args:
            image: frames (B, 1, X, Y) in [0, 1].
            sector: (B, 1, X, Y), 1 inside.
            wanted: 1 real, 0 made.
        """
        image = _standardized(image + ((LEVELS * image).round() / LEVELS - image).detach(), sector)
        found = []
        for judge in self.judges:
            scores = judge(image)
            inside = (F.interpolate(sector, scores.shape[-2:], mode="area") > 0.5).to(scores.dtype)
            found.append(sector_mean((scores - wanted).square(), inside).mean())
            image, sector = F.avg_pool2d(image, 2), F.avg_pool2d(sector, 2)
        return torch.stack(found).mean()

    def judged(self, real: tuple[Tensor, Tensor], made: tuple[Tensor, Tensor]) -> Tensor:
        """What the critic learns from: frames with their sectors of both kinds; no gradient reaches the frames."""
        return self(real[0].detach(), real[1], 1.0) + self(made[0].detach(), made[1], 0.0)

    def doubts(self, image: Tensor, sector: Tensor) -> Tensor:
        """How far frames are from being taken for real; no gradient reaches the critic."""
        fixed = {name: parameter.detach() for name, parameter in self.named_parameters()}
        return torch.as_tensor(functional_call(self, fixed, (image, sector, 1.0)))


def _judge(channels: tuple[int, ...]) -> nn.Sequential:
    sizes = zip((1, *channels), channels, strict=False)
    layers = [
        Convolution(
            2, before, after, strides=1 if before == 1 else 2, norm=None, act=("leakyrelu", {"negative_slope": 0.2})
        )
        for before, after in sizes
    ]
    return nn.Sequential(*layers, nn.Conv2d(channels[-1], 1, 1))


def _standardized(image: Tensor, sector: Tensor) -> Tensor:
    """Zero mean and unit variance inside the sector, 0 outside."""
    mean = sector_mean(image, sector).reshape(-1, 1, 1, 1)
    centered = (image - mean) * sector
    spread = sector_mean(centered.square(), sector).reshape(-1, 1, 1, 1).clamp_min(1e-6).sqrt()
    return centered / spread
