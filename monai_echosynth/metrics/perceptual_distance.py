r"""Perceptual distance: two frames as the layers of a network see them (LPIPS without its learned channel weights).

.. math:: d(x, y) = \frac{1}{L} \sum_l \frac{1}{|S_l|} \sum_{p \in S_l} \left| \hat f_l(x)_p - \hat f_l(y)_p \right|^2

with activations scaled to unit length over channels at every place p and places inside the sector. 0 for equal frames, 2
for unrelated directions, 4 at most. The published LPIPS weights belong to networks for photographs; of a network of the
domain all channels count alike. Numbers of two networks are not comparable.

References:
    Zhang et al., "The Unreasonable Effectiveness of Deep Features as a Perceptual Metric", CVPR 2018.
    https://arxiv.org/abs/1801.03924
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

__all__ = ["perceptual_distance"]


def perceptual_distance(first: Sequence[Tensor], second: Sequence[Tensor], sector: Tensor) -> Tensor:
    """Distances (B,) of the frames of two batches.

    Args:
        first: activations of the layers, (B, C_l, h_l, w_l) each.
        second: those of the other frames, same shapes.
        sector: (B, 1, X, Y), 1 inside; brought to the grid of each layer by area.

    Raises:
        ValueError: there is no layer, or shapes differ.
    """
    if not first or [part.shape for part in first] != [part.shape for part in second]:
        shapes = [[tuple(part.shape) for part in parts] for parts in (first, second)]
        raise ValueError(
            f"a perceptual distance needs the same layers of both batches, got {shapes[0]} and {shapes[1]}"
        )
    found = []
    for one, other in zip(first, second, strict=True):
        squares = (F.normalize(one, dim=1) - F.normalize(other, dim=1)).square().sum(dim=1, keepdim=True)
        inside = F.adaptive_avg_pool2d(sector.to(squares), (squares.shape[-2], squares.shape[-1]))
        found.append((squares * inside).sum(dim=(1, 2, 3)) / inside.sum(dim=(1, 2, 3)).clamp_min(1e-6))
    return torch.stack(found).mean(dim=0)
