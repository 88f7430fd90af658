"""Batches for training the gamma-VAE with MONAI's ``SupervisedTrainer``."""

from __future__ import annotations

from typing import Any

import torch
from monai.engines import PrepareBatch
from torch import Tensor

__all__ = ["AutoencoderPrepareBatch"]


class AutoencoderPrepareBatch(PrepareBatch):
    """Masks the image by its sector and hands the sector and a seeded generator to the network.

    Reads ``image`` (B, 1, X, Y) in [0, 1], the semantic map ``label`` (B, 1, X, Y) with 0 outside the sector, and ``seed`` (B,).

    Args:
        sample: let the network draw from the posterior (training) instead of taking its mean (validation).
    """

    def __init__(self, sample: bool = True) -> None:
        self.sample = sample

    def __call__(
        self,
        batchdata: dict[str, Any],
        device: str | torch.device | None = None,
        non_blocking: bool = False,
        **kwargs: Any,
    ) -> tuple[Tensor, dict[str, Tensor], tuple[()], dict[str, Any]]:
        """Inputs, targets (``image``, ``sector``), no positional and the keyword arguments of the network."""
        sector = (batchdata["label"] > 0).to(device=device, dtype=torch.float32, non_blocking=non_blocking)
        image = batchdata["image"].to(device=device, non_blocking=non_blocking, **kwargs) * sector
        generator = torch.Generator(device=image.device).manual_seed(int(batchdata["seed"][0]))
        return (
            image,
            {"image": image, "sector": sector},
            (),
            {"sector": sector, "generator": generator, "sample": self.sample},
        )
