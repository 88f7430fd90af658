r"""Judges whether frames look real by their texture: an adversary that learns what local statistics do not measure.

A classifier of texture sees real and made frames in one batch, each with zero mean and unit variance in its sector. With its
logits l, positive for made frames, it learns from :math:`\mathrm{softplus}(l_r) + \mathrm{softplus}(-l_m)`, and what makes the
frames from :math:`\mathrm{softplus}(l_m)`, the logistic objective that does not saturate.

References:
    Goodfellow et al., "Generative Adversarial Nets", NeurIPS 2014, https://arxiv.org/abs/1406.2661
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F

from monai_echosynth.losses.sector_mean import sector_mean
from monai_echosynth.networks.nets.domain_classifier import domain_classifier

__all__ = ["TextureCritic"]

LEVELS = 255
"""Gray levels of a stored frame; finer differences are none."""


class TextureCritic(nn.Module):
    """The classifier as an adversary. Frames (B, 1, X, Y) in [0, 1] come with their sectors (B, 1, X, Y), 1 inside."""

    def __init__(self) -> None:
        super().__init__()
        self.network = domain_classifier()

    def forward(self, image: Tensor, sector: Tensor) -> Tensor:
        """Logits (B,) of frames, positive for made ones."""
        stored = image + ((LEVELS * image).round() / LEVELS - image).detach()
        return torch.as_tensor(self.network(_standardized(stored, sector)))

    def judged(self, real: tuple[Tensor, Tensor], made: tuple[Tensor, Tensor]) -> Tensor:
        """What the critic learns from, a scalar; no gradient reaches the frames."""
        logits = self(torch.cat([real[0], made[0]]).detach(), torch.cat([real[1], made[1]]))
        return F.softplus(logits[: len(real[0])]).mean() + F.softplus(-logits[len(real[0]) :]).mean()

    def doubts(self, real: tuple[Tensor, Tensor], made: tuple[Tensor, Tensor]) -> Tensor:
        """How far made frames are from being taken for real, a scalar; no gradient reaches the critic."""
        fixed = {name: parameter.detach() for name, parameter in self.named_parameters()}
        pair = torch.cat([real[0].detach(), made[0]]), torch.cat([real[1], made[1]])
        return F.softplus(functional_call(self, fixed, pair)[len(real[0]) :]).mean()


def _standardized(image: Tensor, sector: Tensor) -> Tensor:
    """Zero mean and unit variance inside the sector, 0 outside."""
    mean = sector_mean(image, sector).reshape(-1, 1, 1, 1)
    centered = (image - mean) * sector
    spread = sector_mean(centered.square(), sector).reshape(-1, 1, 1, 1).clamp_min(1e-6).sqrt()
    return centered / spread
