"""Average over the pixels inside the ultrasound sector."""

from __future__ import annotations

from torch import Tensor

__all__ = ["sector_mean"]


def sector_mean(values: Tensor, sector: Tensor) -> Tensor:
    """Mean of ``values`` (B, C, H, W) weighted by ``sector`` (B, 1, H, W) with weights in [0, 1]; shape (B,).

    Images whose sector is empty give 0, so that they add nothing to a loss.
    """
    weights = sector.to(values.dtype).expand_as(values)
    total = (values * weights).flatten(1).sum(1)
    return total / weights.flatten(1).sum(1).clamp_min(1.0)
