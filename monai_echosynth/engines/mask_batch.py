"""Batches of a synthetic set for MONAI's ``SupervisedEvaluator``: masks for generation, frames with masks for alignment."""

from __future__ import annotations

from typing import Any

import torch
from monai.engines import PrepareBatch
from torch import Tensor

__all__ = ["MaskPrepareBatch"]


class MaskPrepareBatch(PrepareBatch):
    """Hands one-hot maps ``seg`` (B, K, X, Y) to the inferer as inputs and the positions ``index`` (B,) by keyword.

    The classes ``condition`` (B,) go by keyword as ``class_labels`` where masks have them.

    Args:
        frames: the frames ``image`` (B, 1, X, Y) are the inputs instead, and ``seg`` goes by keyword.
    """

    def __init__(self, frames: bool = False) -> None:
        self.frames = frames

    def __call__(
        self,
        batchdata: dict[str, Any],
        device: str | torch.device | None = None,
        non_blocking: bool = False,
        **kwargs: Any,
    ) -> tuple[Tensor, Tensor, tuple[()], dict[str, Any]]:
        """Inputs, the label maps as targets, no positional and the keyword arguments of the inferer."""
        seg = batchdata["seg"].to(device=device, non_blocking=non_blocking, **kwargs)
        keywords: dict[str, Any] = {"index": batchdata["index"].tolist()}
        if "condition" in batchdata:
            keywords["class_labels"] = batchdata["condition"].to(device=device, non_blocking=non_blocking)
        if not self.frames:
            return seg, batchdata["label"], (), keywords
        image = batchdata["image"].to(device=device, non_blocking=non_blocking, **kwargs)
        return image, batchdata["label"], (), {"seg": seg, **keywords}
