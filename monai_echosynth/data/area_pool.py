"""Averages over the area of each pixel of a coarser grid: masks keep the position of their borders as fractions."""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor

__all__ = ["area_pool"]


def area_pool(values: Tensor, size: Sequence[int]) -> Tensor:
    """Values (B, C, X, Y) averaged onto the grid ``size``, or repeated where that grid is finer."""
    height, width = int(size[0]), int(size[1])
    if tuple(values.shape[2:]) == (height, width):
        return values
    if values.shape[2] < height:
        return F.interpolate(values, (height, width))
    return F.adaptive_avg_pool2d(values, (height, width))
