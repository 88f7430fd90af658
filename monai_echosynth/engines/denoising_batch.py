"""Batches for training a denoising network with MONAI's ``SupervisedTrainer``.

Noise and noise level of a draw follow from its seed alone, whatever batch or process it falls into.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from monai.engines import PrepareBatch
from torch import Tensor

from monai_echosynth.diffusion.preconditioning import Preconditioning, training_target
from monai_echosynth.diffusion.sigma_sampler import SigmaSampler

__all__ = ["DenoisingPrepareBatch", "conditioning", "draw_noise"]


class DenoisingPrepareBatch(PrepareBatch):
    """Adds noise to clean latents and computes what the network must predict.

    Reads ``latent`` (B, C, h, w) normalized, ``seg`` (B, K, h, w) in [0, 1] with channel 0 outside the sector, ``sector``
    (B, 1, h, w), ``seed`` (B,) and, where frames have classes, ``condition`` (B,).

    Args:
        preconditioning: the diffusion family, which also gives the law of the training noise level.
    """

    def __init__(self, preconditioning: Preconditioning) -> None:
        self.preconditioning = preconditioning
        self.sigma_sampler = preconditioning.sigma_sampler()

    def __call__(
        self,
        batchdata: dict[str, Any],
        device: str | torch.device | None = None,
        non_blocking: bool = False,
        **kwargs: Any,
    ) -> tuple[Tensor, dict[str, Tensor], tuple[()], dict[str, Tensor]]:
        """Network input, targets (``target``, ``sector``), no positional and the keyword arguments of the network."""
        latent = batchdata["latent"]
        noise, sigma = draw_noise(latent, batchdata["seed"].tolist(), self.sigma_sampler)
        move = {"device": device, "non_blocking": non_blocking, **kwargs}
        inputs, timesteps, target = training_target(
            latent.to(**move), noise.to(**move), sigma.to(device), self.preconditioning
        )
        targets = {"target": target, "sector": batchdata["sector"].to(**move)}
        return inputs, targets, (), {"timesteps": timesteps, **conditioning(batchdata, device, non_blocking, **kwargs)}


def draw_noise(latent: Tensor, seeds: Sequence[int], sigma_sampler: SigmaSampler) -> tuple[Tensor, Tensor]:
    """Noise shaped like ``latent`` (B, C, h, w) and noise levels (B,), those of each draw from its seed alone."""
    noise, sigma = torch.empty_like(latent), torch.empty(len(latent))
    for i, seed in enumerate(seeds):
        generator = torch.Generator().manual_seed(seed)
        sigma[i] = sigma_sampler(1, generator)[0]
        noise[i] = torch.randn(latent.shape[1:], generator=generator)
    return noise, sigma


def conditioning(
    batchdata: Mapping[str, Any], device: str | torch.device | None, non_blocking: bool = False, **kwargs: Any
) -> dict[str, Tensor]:
    """Keyword arguments of the network that hold what it is told: ``seg`` and, where frames have classes, ``class_labels``."""
    keywords = {"seg": batchdata["seg"].to(device=device, non_blocking=non_blocking, **kwargs)}
    if "condition" in batchdata:
        keywords["class_labels"] = batchdata["condition"].to(device, non_blocking=non_blocking)
    return keywords
