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

__all__ = ["AlignmentInferer"]


class AlignmentInferer(Inferer):
    """Aligns frames to exemplars of a bank.

    Frame k depends on (seed, k), the frame and its mask alone: frames are computed one by one.

    Args:
        bank: features of the real frames.
        exemplars: real frames that a synthetic one is aligned to.
        candidates: frames of the bank that they are the nearest of in style.
        seed: seed of the set.
        strength: lowest and highest part of the way from the frame (0) to its aligned form (1) that a frame goes.

    Raises:
        EchoSynthError: the strength is no range within [0, 1].
    """

    def __init__(
        self,
        bank: BankFeatures,
        exemplars: int = 1,
        candidates: int = 8,
        seed: int = 0,
        strength: Sequence[float] = (1.0, 1.0),
    ) -> None:
        if len(strength) != 2 or not 0.0 <= strength[0] <= strength[1] <= 1.0:
            raise EchoSynthError(
                f"strength must be two numbers from 0 to 1, the lower one first, got {list(strength)}: 1 and 1 is all the way"
            )
        self.bank, self.exemplars, self.candidates, self.seed = bank, exemplars, candidates, seed
        self.strength = (float(strength[0]), float(strength[1]))

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
        aligned: Tensor = network(image, seg, bank, noise[None])["image"]
        low, high = self.strength
        drawn = torch.rand(1, generator=image_generator(derive_seed(self.seed, "strength"), index))
        return torch.lerp(image, aligned, low + (high - low) * float(drawn))
