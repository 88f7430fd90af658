"""The real frames that each synthetic frame is aligned to: drawn from the bank by its seed, of these the nearest in style."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from monai_echosynth.diffusion.seeding import derive_seed
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.networks.nets.domain_aligner import DomainAligner

__all__ = ["ExemplarChoice", "draw_exemplars"]


class _Bank(Protocol):
    @property
    def styles(self) -> Tensor: ...


class ExemplarChoice:
    """Chooses.

    Args:
        aligner: knows the scales of both domains' styles.
        bank: has ``styles`` (K, P) of its frames.
        count: real frames that a synthetic one is aligned to.
        candidates: frames of the bank that are drawn for it, ``count`` or more; with as many, chance alone decides.

    Raises:
        EchoSynthError: fewer candidates than exemplars.
    """

    def __init__(self, aligner: DomainAligner, bank: _Bank, count: int = 1, candidates: int = 8) -> None:
        if not 1 <= count <= candidates:
            raise EchoSynthError(
                f"exemplars must be 1 or more and at most the candidates, got {count} of {candidates}: correct them"
            )
        self.aligner, self.bank, self.count, self.candidates = aligner, bank, count, candidates

    @torch.no_grad()
    def __call__(self, seeds: Sequence[int], image: Tensor, seg: Tensor) -> Tensor:
        """Rows (B, count) of the bank for frames (B, 1, X, Y) in [0, 1] with membership maps (B, S, X, Y)."""
        styles = self.bank.styles
        rows = draw_exemplars(seeds, len(styles), self.candidates).to(image.device)
        own = self.aligner.styles(image, seg)
        order = self.aligner.matching(own, styles.to(image.device)[rows]).argsort(dim=1, stable=True)
        return rows.gather(1, order[:, : self.count])


def draw_exemplars(seeds: Sequence[int], frames: int, count: int) -> Tensor:
    """Frames of a bank for each seed, (B, count), without repetition where the bank has enough."""
    rows = []
    for seed in seeds:
        rng = np.random.default_rng(derive_seed(int(seed), "exemplars"))
        rows.append(rng.choice(frames, count, replace=count > frames))
    return torch.from_numpy(np.stack(rows))
