"""Batches for training a denoising network with MONAI's ``SupervisedTrainer``.

Noise and noise level of a draw follow from its seed alone, whatever batch or process it falls into.
"""

from __future__ import annotations

from typing import Any

import torch
from monai.engines import PrepareBatch
from torch import Tensor

from monai_echosynth.diffusion.preconditioning import Preconditioning, training_target

__all__ = ["DenoisingPrepareBatch"]


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
        noise, sigma = torch.empty_like(latent), torch.empty(len(latent))
        for i, seed in enumerate(batchdata["seed"].tolist()):
            generator = torch.Generator().manual_seed(seed)
            sigma[i] = self.sigma_sampler(1, generator)[0]
            noise[i] = torch.randn(latent.shape[1:], generator=generator)
        move = {"device": device, "non_blocking": non_blocking, **kwargs}
        inputs, timesteps, target = training_target(
            latent.to(**move), noise.to(**move), sigma.to(device), self.preconditioning
        )
        targets = {"target": target, "sector": batchdata["sector"].to(**move)}
        keywords = {"timesteps": timesteps, "seg": batchdata["seg"].to(**move)}
        if "condition" in batchdata:
            keywords["class_labels"] = batchdata["condition"].to(device, non_blocking=non_blocking)
        return inputs, targets, (), keywords
