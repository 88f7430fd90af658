"""Maps as samples of places."""

from __future__ import annotations

from torch import Tensor

__all__ = ["places"]


def places(maps: Tensor, valid: Tensor) -> Tensor:
    """Values of maps (B, C, h, w) at the positions that count in ``valid`` (B, 1, h, w): (N, C), float32."""
    return maps.float().permute(0, 2, 3, 1).flatten(0, 2)[valid.flatten() > 0]
