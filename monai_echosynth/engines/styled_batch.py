"""Batches for training a SPADE-GAN with MONAI's ``AdversarialTrainer``."""

from __future__ import annotations

from typing import Any

import torch
from monai.engines import PrepareBatch
from torch import Tensor

__all__ = ["StyledPrepareBatch"]


class StyledPrepareBatch(PrepareBatch):
    """Masks frames by their sector and draws the noise of their style from the seed of each draw.

    Reads ``image`` (B, 1, X, Y) in [0, 1], ``seg`` (B, K, X, Y) one-hot with channel 0 outside the sector, and ``seed`` (B,).

    Args:
        style: length of the style code.
    """

    def __init__(self, style: int) -> None:
        self.style = style

    def __call__(
        self,
        batchdata: dict[str, Any],
        device: str | torch.device | None = None,
        non_blocking: bool = False,
        **kwargs: Any,
    ) -> tuple[Tensor, Tensor, tuple[()], dict[str, Tensor]]:
        """Frames, the same as targets, no positional and the keyword arguments of generator and discriminator."""
        draws = [torch.Generator().manual_seed(seed) for seed in batchdata["seed"].tolist()]
        noise = torch.stack([torch.randn(self.style, generator=draw) for draw in draws])
        move = {"device": device, "non_blocking": non_blocking, **kwargs}
        seg = batchdata["seg"].to(**move)
        image = batchdata["image"].to(**move) * (seg[:, :1] < 0.5)
        return image, image, (), {"seg": seg, "noise": noise.to(**move)}
