"""Where an aligner is not sure: the spread of its output over draws of the noise."""

from __future__ import annotations

import torch
from torch import Tensor

from monai_echosynth.diffusion.seeding import image_generator
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.networks.nets.domain_aligner import BankFeatures, DomainAligner

__all__ = ["alignment_spread"]


@torch.no_grad()
def alignment_spread(
    network: DomainAligner, image: Tensor, seg: Tensor, bank: BankFeatures, draws: int = 8, seed: int = 0
) -> Tensor:
    """Standard deviation of the gray level over draws, (B, 1, X, Y); 0 outside the sector, and without stochastic texture.

    Args:
        network: the aligner.
        image: frames (B, 1, X, Y) in [0, 1].
        seg: membership maps (B, S, X, Y).
        bank: exemplars.
        draws: number of draws, 2 or more.
        seed: of the noise.

    Raises:
        EchoSynthError: fewer than two draws.
    """
    if draws < 2:
        raise EchoSynthError(f"a spread needs two draws or more, got {draws}: choose 8, say")
    noises = (torch.randn(image.shape, generator=image_generator(seed, k)).to(image.device) for k in range(draws))
    return torch.stack([network(image, seg, bank, noise)["image"] for noise in noises]).std(dim=0)
