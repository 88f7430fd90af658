r"""Which real frames a synthetic one should look like: those of its own style, once both domains are brought to one scale.

The style of a frame is the mean of its local statistics over the sector. Styles of either domain are standardized by their own
mean and standard deviation, the optimal transport between two diagonal Gaussians: the darkest of the synthetic frames meets the
darkest of the real ones, wherever these lie. So a frame changes no more than the domains differ, and the outputs vary as real
frames do.

References:
    Peyre and Cuturi, "Computational Optimal Transport", Foundations and Trends in Machine Learning 2019, remark 2.31,
    https://arxiv.org/abs/1803.00567
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["StyleMatching", "frame_styles"]

SPREAD = 1e-3
"""Smallest standard deviation of a style."""


class StyleMatching(nn.Module):
    """The scales of both domains.

    Args:
        count: statistics P of a style.
    """

    real: Tensor
    synthetic: Tensor

    def __init__(self, count: int) -> None:
        super().__init__()
        for domain in ("real", "synthetic"):
            self.register_buffer(domain, torch.stack([torch.zeros(count), torch.ones(count)]))

    @torch.no_grad()
    def fit(self, real: Tensor, synthetic: Tensor) -> None:
        """Take mean and standard deviation from the styles (K, P) of real and (N, P) of synthetic frames."""
        for scale, styles in ((self.real, real), (self.synthetic, synthetic)):
            scale.copy_(torch.stack([styles.mean(dim=0), styles.std(dim=0, correction=0).clamp_min(SPREAD)]))

    def forward(self, synthetic: Tensor, real: Tensor) -> Tensor:
        """Distances (B, C) of styles (B, P) of synthetic frames from those of their candidates, (B, C, P)."""
        left = (synthetic - self.synthetic[0]) / self.synthetic[1]
        right = (real - self.real[0]) / self.real[1]
        return (left[:, None] - right).square().mean(dim=-1).sqrt()


def frame_styles(statistics: Tensor, valid: Tensor) -> Tensor:
    """Styles (..., P) of frames from their local statistics (..., P, h, w) and the places (..., 1, h, w) that count."""
    return (statistics * valid).sum(dim=(-2, -1)) / valid.sum(dim=(-2, -1)).clamp_min(1.0)
