"""Synthetic frames in, aligned frames out: each with its own exemplars and noise, which follow from its position in the set."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from monai.inferers import Inferer
from torch import Tensor

from monai_echosynth.alignment.real_bank import draw_exemplars
from monai_echosynth.diffusion.seeding import derive_seed, image_generator
from monai_echosynth.networks.nets.domain_aligner import BankFeatures, DomainAligner

__all__ = ["AlignmentInferer"]


class AlignmentInferer(Inferer):
    """Aligns frames to exemplars of a bank.

    Frame k depends on (seed, k), the frame and its mask alone: frames are computed one by one.

    Args:
        bank: features of the real frames.
        exemplars: real frames that a synthetic one is aligned to.
        seed: seed of the set.
    """

    def __init__(self, bank: BankFeatures, exemplars: int = 1, seed: int = 0) -> None:
        self.bank, self.exemplars, self.seed = bank, exemplars, seed

    @torch.inference_mode()
    def __call__(self, inputs: Tensor, network: DomainAligner, *args: Any, **kwargs: Any) -> Tensor:
        """Aligned frames (B, 1, X, Y) in [0, 1].

        Args:
            inputs: frames (B, 1, X, Y) in [0, 1].
            network: the aligner.
            seg: keyword, membership maps (B, S, X, Y).
            index: keyword, positions of the frames in the set (B,).
        """
        index: Sequence[int] = [int(k) for k in kwargs["index"]]
        return torch.cat([self._align(network, inputs[i], kwargs["seg"][i], k) for i, k in enumerate(index)])

    def _align(self, network: DomainAligner, image: Tensor, seg: Tensor, index: int) -> Tensor:
        rows = draw_exemplars([derive_seed(self.seed, index)], len(self.bank), self.exemplars)
        noise = torch.randn(image.shape, generator=image_generator(self.seed, index)).to(image.device)
        bank = self.bank.take(rows.to(image.device))
        return network(image[None], seg[None], bank, noise[None])["image"]
