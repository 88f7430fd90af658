"""Batches of synthetic frames for alignment with MONAI's ``SupervisedEvaluator``."""

from __future__ import annotations

from typing import Any

import torch
from monai.engines import PrepareBatch
from torch import Tensor

__all__ = ["AlignedPrepareBatch"]


class AlignedPrepareBatch(PrepareBatch):
    """Hands frames (B, 1, X, Y) to the inferer as inputs, membership maps ``seg`` and positions ``index`` by keyword."""

    def __call__(
        self,
        batchdata: dict[str, Any],
        device: str | torch.device | None = None,
        non_blocking: bool = False,
        **kwargs: Any,
    ) -> tuple[Tensor, Tensor, tuple[()], dict[str, Any]]:
        """Inputs, the label maps as targets, no positional and the keyword arguments of the inferer."""
        image, seg = (batchdata[key].to(device=device, non_blocking=non_blocking, **kwargs) for key in ("image", "seg"))
        return image, batchdata["label"], (), {"seg": seg, "index": batchdata["index"].tolist()}
