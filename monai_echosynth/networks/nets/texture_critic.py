r"""Judges whether frames look real by their texture: an adversary that learns what local statistics do not measure.

A network of small view sees real and made frames in one batch, each with zero mean and unit variance in its sector, and averages
over the frame. With its logits l, positive for made frames, it learns from
:math:`\mathrm{softplus}(l_r) + \mathrm{softplus}(-l_m)`, and what makes the frames from :math:`\mathrm{softplus}(l_m)`, the
logistic objective that does not saturate.

Two things keep its gradient from drawing patterns that fool it and no one else: it averages where others stride, whose gradient
is a checkerboard, and it sees noise over every frame, so that what is fainter does not count.

References:
    Goodfellow et al., "Generative Adversarial Nets", NeurIPS 2014, https://arxiv.org/abs/1406.2661
    Sonderby et al., "Amortised MAP Inference for Image Super-resolution", ICLR 2017 (instance noise), https://arxiv.org/abs/1610.04490
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

Frames = tuple[Tensor, Tensor, Tensor]


class TextureCritic(nn.Module):
    """The adversary.

    Frames come as (image, sector, noise), (B, 1, X, Y) each: gray levels in [0, 1]; 1 inside the sector; unit normal noise that
    has nothing to do with the image.

    Args:
        channels: features of the layers; each halves the resolution.
        noise: standard deviation of the noise over frames, in those of the frame.
    """

    def __init__(self, channels: Sequence[int] = (16, 32, 48, 64), noise: float = 0.1) -> None:
        super().__init__()
        self.noise = noise
        layers = list[nn.Module]()
        for before, after in zip((1, *channels), channels, strict=False):
            layers += [Convolution(2, before, after, act="leakyrelu", norm="batch"), nn.AvgPool2d(2)]
        self.network = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels[-1], 1))

    def forward(self, image: Tensor, sector: Tensor, noise: Tensor) -> Tensor:
        """Logits (B,) of frames, positive for made ones."""
        shown = _standardized(image, sector) + self.noise * noise * sector
        return torch.as_tensor(self.network(shown).flatten())

    def judged(self, real: Frames, made: Frames) -> Tensor:
        """What the critic learns from, a scalar; no gradient reaches the frames."""
        logits = self(*(torch.cat(pair).detach() for pair in zip(real, made, strict=True)))
        return F.softplus(logits[: len(real[0])]).mean() + F.softplus(-logits[len(real[0]) :]).mean()

    def doubts(self, real: Frames, made: Frames) -> Tensor:
        """How far made frames are from being taken for real, a scalar; no gradient reaches the critic."""
        fixed = {name: parameter.detach() for name, parameter in self.named_parameters()}
        both = tuple(torch.cat(pair) for pair in zip(real, made, strict=True))
        return F.softplus(functional_call(self, fixed, both)[len(real[0]) :]).mean()


def _standardized(image: Tensor, sector: Tensor) -> Tensor:
    """Zero mean and unit variance inside the sector, 0 outside."""
    mean = sector_mean(image, sector).reshape(-1, 1, 1, 1)
    centered = (image - mean) * sector
    spread = sector_mean(centered.square(), sector).reshape(-1, 1, 1, 1).clamp_min(1e-6).sqrt()
    return centered / spread
