"""Synthetic frames in, aligned frames out: each with its own exemplars, noise and strength, which follow from its position.

References:
    Gong, Li, Chen, Van Gool, "DLOW: Domain Flow for Adaptation and Generalization", CVPR 2019: frames on the way from one domain
    to the other teach more than those at its end
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from monai.inferers import Inferer
from torch import Tensor

from monai_echosynth.alignment.exemplar_choice import ExemplarChoice
from monai_echosynth.diffusion.seeding import derive_seed, image_generator
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.networks.nets.domain_aligner import BankFeatures, DomainAligner

__all__ = ["AlignmentInferer", "check_strength", "drawn_strength"]

TOLERANCE = 1e-4
"""Of a displacement, in pixels: rounding."""


def check_strength(strength: Sequence[float]) -> tuple[float, float]:
    """Lowest and highest part of the way.

    Raises:
        EchoSynthError: it is no range within [0, 1].
    """
    if len(strength) != 2 or not 0.0 <= strength[0] <= strength[1] <= 1.0:
        raise EchoSynthError(
            f"strength must be two numbers from 0 to 1, the lower one first, got {list(strength)}: 1 and 1 is all the way"
        )
    return float(strength[0]), float(strength[1])


def drawn_strength(strength: Sequence[float], seed: int, index: int) -> float:
    """The part of the way that frame ``index`` of a set goes."""
    low, high = strength
    drawn = torch.rand(1, generator=image_generator(derive_seed(seed, "strength"), index))
    return low + (high - low) * float(drawn)


class AlignmentInferer(Inferer):
    """Aligns frames to exemplars of a bank.

    Frame k depends on (seed, k), the frame and its mask alone: frames are computed one by one.

    Args:
        bank: features of the real frames.
        exemplars: real frames that a synthetic one is aligned to.
        candidates: frames of the bank that they are the nearest of in style.
        seed: seed of the set.
        strength: lowest and highest part of the way from the frame (0) to its aligned form (1) that a frame goes.
        max_shift: displacement in pixels that no aligned frame may exceed.

    Attributes:
        largest_shift: of any pixel of any frame so far, in pixels.

    Raises:
        EchoSynthError: the strength is no range within [0, 1].
    """

    def __init__(
        self,
        bank: BankFeatures,
        exemplars: int = 1,
        candidates: int = 8,
        seed: int = 0,
        strength: Sequence[float] = (0.0, 1.0),
        max_shift: float = 0.5,
    ) -> None:
        self.bank, self.exemplars, self.candidates, self.seed = bank, exemplars, candidates, seed
        self.strength = check_strength(strength)
        self.max_shift, self.largest_shift = max_shift, 0.0

    @torch.inference_mode()
    def __call__(self, inputs: Tensor, network: DomainAligner, *args: Any, **kwargs: Any) -> Tensor:
        """Aligned frames (B, 1, X, Y) in [0, 1].

        Args:
            inputs: frames (B, 1, X, Y) in [0, 1].
            network: the aligner.
            seg: keyword, membership maps (B, S, X, Y).
            index: keyword, positions of the frames in the set (B,).
        """
        choice = ExemplarChoice(network, self.bank, self.exemplars, self.candidates)
        index: Sequence[int] = [int(k) for k in kwargs["index"]]
        frames = zip(inputs.split(1), kwargs["seg"].split(1), index, strict=True)
        return torch.cat([self._align(network, choice, *frame) for frame in frames])

    def _align(self, network: DomainAligner, choice: ExemplarChoice, image: Tensor, seg: Tensor, index: int) -> Tensor:
        bank = self.bank.take(choice([derive_seed(self.seed, index)], image, seg))
        noise = torch.randn(image.shape[1:], generator=image_generator(self.seed, index)).to(image.device)
        found = network(image, seg, bank, noise[None])
        self._check_shift(found["shift"], index)
        return torch.lerp(image, found["image"], drawn_strength(self.strength, self.seed, index))

    def _check_shift(self, shift: Tensor, index: int) -> None:
        """Anatomy that moves further than it may is an error of the network, not a frame to keep."""
        moved = float(shift.norm(dim=1).max())
        if not moved <= self.max_shift + TOLERANCE:
            raise EchoSynthError(
                f"pixels of an aligned frame may move by {self.max_shift} at most, got {moved:.4f} in frame {index}: train the "
                "aligner again"
            )
        self.largest_shift = max(self.largest_shift, moved)
