"""Writes an aligner and the features of its bank when training ends: together they need no real frames."""

from __future__ import annotations

from pathlib import Path

import torch
from ignite.engine import Engine, Events

from monai_echosynth.alignment.bank_file import save_bank
from monai_echosynth.alignment.real_bank import RealBank, spaced
from monai_echosynth.networks.nets.domain_aligner import DomainAligner
from monai_echosynth.networks.weights import save_weights, weights_digest

__all__ = ["SaveAligner"]


class SaveAligner:
    """Saves both files at the end of a run.

    Args:
        aligner: the network; that of the moving average in most trainings.
        bank: the real frames.
        size: frames of the bank that are stored, evenly spaced over it.
        weights_path: file of the weights.
        bank_path: file of the bank.
        enabled: switch for ranks other than 0.
    """

    def __init__(
        self,
        aligner: DomainAligner,
        bank: RealBank,
        size: int,
        weights_path: str | Path,
        bank_path: str | Path,
        enabled: bool = True,
    ) -> None:
        self.aligner, self.bank, self.size = aligner, bank, size
        self.weights_path, self.bank_path, self.enabled = weights_path, bank_path, enabled

    def attach(self, engine: Engine) -> None:
        """Register with a trainer."""
        engine.add_event_handler(Events.COMPLETED, self)

    def __call__(self, engine: Engine) -> None:
        """Write the files, the weights last."""
        if self.enabled:
            device = next(self.aligner.parameters()).device
            rows = torch.tensor(spaced(len(self.bank), self.size))
            features = RealBank(*self.bank.frames(rows)).encode(self.aligner, device)
            save_bank(features, self.bank_path, weights_digest(self.aligner))
            save_weights(self.aligner, self.weights_path)
