"""Measures mean and standard deviation of the training latents once the autoencoder is trained."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from ignite.engine import Engine, Events

from monai_echosynth.networks.nets.gamma_autoencoder import GammaAutoencoder

__all__ = ["LatentStatistics"]


class LatentStatistics:
    """Fits the latent normalizer of an autoencoder on a loader of frames when training ends.

    Attach it before the handler that saves the weights.

    Args:
        autoencoder: network whose normalizer is fitted, in place.
        loader: batches with ``image`` (B, 1, X, Y) in [0, 1] and ``label`` (B, 1, X, Y), 0 outside the sector.
        batches: number of batches to use at most.
    """

    def __init__(
        self, autoencoder: GammaAutoencoder, loader: Iterable[dict[str, torch.Tensor]], batches: int = 32
    ) -> None:
        self.autoencoder = autoencoder
        self.loader = loader
        self.batches = batches

    def attach(self, engine: Engine) -> None:
        """Register with a trainer."""
        engine.add_event_handler(Events.COMPLETED, self)

    @torch.no_grad()
    def __call__(self, engine: Engine) -> None:
        """Encode and measure."""
        network = self.autoencoder.eval()
        device = next(network.parameters()).device
        latents, sectors = [], []
        for count, batch in enumerate(self.loader):
            if count >= self.batches:
                break
            sector = (torch.as_tensor(batch["label"]).to(device) > 0).float()
            concentration, rate = network.encode(torch.as_tensor(batch["image"]).to(device) * sector)
            latents.append(concentration / rate)
            sectors.append(network.latent_sector(sector))
        network.normalizer.fit(torch.cat(latents), torch.cat(sectors))
