"""A network that predicts noise in closed form, for data whose pixels are drawn independently from a normal law."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from monai_echosynth.diffusion.iddpm import IDDPM
from tests.helpers.analytic import GaussianDenoiser

__all__ = ["AnalyticNoise"]


class AnalyticNoise(nn.Module):
    """Returns the ideal noise estimate of a DDPM; a condition (B,) moves the mean of the data by it.

    Args:
        family: gives the noise levels.
        std: standard deviation of the data.
    """

    def __init__(self, family: IDDPM, std: float = 0.8) -> None:
        super().__init__()
        self.family, self.std = family, std

    def forward(self, x: Tensor, timesteps: Tensor, condition: Tensor | None = None) -> Tensor:
        sigma = self.family.table[timesteps.long()].to(x)
        mean = torch.zeros(len(x)) if condition is None else condition.to(x)
        made = []
        for one, level, center in zip(x, sigma, mean, strict=True):
            noisy = one * (level.square() + 1).sqrt()
            clean = GaussianDenoiser(float(center), self.std)(noisy, level)
            made.append((noisy - clean) / level)
        return torch.stack(made)
