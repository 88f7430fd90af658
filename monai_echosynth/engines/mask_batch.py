"""Batches of masks for generation with MONAI's ``SupervisedEvaluator``."""

from __future__ import annotations

from typing import Any

import torch
from monai.engines import PrepareBatch
from torch import Tensor

__all__ = ["MaskPrepareBatch"]


class MaskPrepareBatch(PrepareBatch):
    """Hands one-hot maps ``seg`` (B, K, X, Y) to the inferer as inputs and the positions ``index`` (B,) by keyword."""

    def __call__(
        self,
        batchdata: dict[str, Any],
        device: str | torch.device | None = None,
        non_blocking: bool = False,
        **kwargs: Any,
    ) -> tuple[Tensor, Tensor, tuple[()], dict[str, Any]]:
        """Inputs, the label maps as targets, no positional and the keyword arguments of the inferer."""
        seg = batchdata["seg"].to(device=device, non_blocking=non_blocking, **kwargs)
        return seg, batchdata["label"], (), {"index": batchdata["index"].tolist()}
