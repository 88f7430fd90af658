"""Diversity floor: aligned frames must differ from each other no less than real ones do."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["diversity_floor"]


def diversity_floor(made: Tensor, made_valid: Tensor, real: Tensor, real_valid: Tensor) -> Tensor:
    """Shortfall of the standard deviation, over frames, of their mean local statistics; a scalar, relative to the real one.

    Zero where every statistic varies at least as much as over the real frames: more earns nothing.

    Args:
        made: local statistics of aligned frames (B, P, h, w).
        made_valid: where they count, (B, 1, h, w).
        real: those of as many real frames (B, P, h, w).
        real_valid: where they count.
    """
    if min(len(made), len(real)) < 2:
        return made.sum() * 0.0
    wanted = _spread(real, real_valid).detach()
    return (1.0 - _spread(made, made_valid) / wanted.clamp_min(1e-3)).clamp_min(0.0).mean()


def _spread(statistics: Tensor, valid: Tensor) -> Tensor:
    mean = (statistics * valid).sum(dim=(2, 3)) / valid.sum(dim=(2, 3)).clamp_min(1.0)
    return torch.sqrt(mean.var(dim=0, correction=1) + 1e-8)
