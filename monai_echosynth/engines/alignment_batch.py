"""Batches for training and running a domain aligner with MONAI's engines."""

from __future__ import annotations

from typing import Any

import torch
from monai.engines import PrepareBatch
from torch import Tensor

from monai_echosynth.alignment.exemplar_choice import ExemplarChoice, draw_exemplars
from monai_echosynth.alignment.real_bank import RealBank
from monai_echosynth.diffusion.seeding import derive_seed

__all__ = ["AlignmentPrepareBatch"]


class AlignmentPrepareBatch(PrepareBatch):
    """Joins synthetic frames with real exemplars, other real frames and noise, all drawn from the seeds of the items.

    Reads ``image`` (B, 1, X, Y), ``seg`` (B, S, X, Y) and ``seed`` (B,).

    Args:
        bank: the real frames.
        choice: which of them a synthetic frame is aligned to.
        identity: share of the batch, as many real frames that should stay what they are.
    """

    def __init__(self, bank: RealBank, choice: ExemplarChoice, identity: float = 0.5) -> None:
        self.bank, self.choice, self.identity = bank, choice, identity

    def __call__(
        self,
        batchdata: dict[str, Any],
        device: str | torch.device | None = None,
        non_blocking: bool = False,
        **kwargs: Any,
    ) -> tuple[dict[str, Tensor], dict[str, Tensor], tuple[()], dict[str, Any]]:
        """Input of an :class:`~monai_echosynth.alignment.alignment_training.AlignmentTraining`, the same as targets."""
        image, seeds = batchdata["image"], batchdata["seed"].tolist()
        others = max(1, round(self.identity * len(image)))
        rows = draw_exemplars([derive_seed(seed, "real") for seed in seeds[:others]], len(self.bank), 1)
        there = next(self.choice.aligner.parameters()).device
        chosen = self.choice(seeds, image.to(there), batchdata["seg"].to(there)).cpu()
        bank, bank_seg = self.bank.frames(chosen)
        real, real_seg = self.bank.frames(rows[:, 0])
        generator = torch.Generator().manual_seed(derive_seed(seeds[0], "noise"))
        noise = torch.randn(len(image) + others, 1, *image.shape[-2:], generator=generator)
        found = {
            "image": image,
            "seg": batchdata["seg"],
            "noise": noise[: len(image)],
            "bank": bank,
            "bank_seg": bank_seg,
            "real": real,
            "real_seg": real_seg,
            "real_noise": noise[len(image) :],
        }
        moved = {name: tensor.to(device=device, non_blocking=non_blocking, **kwargs) for name, tensor in found.items()}
        return moved, moved, (), {}
