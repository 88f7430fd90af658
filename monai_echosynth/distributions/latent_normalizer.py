"""Zero-mean latents of a known scale, from statistics measured on the training latents and stored with the weights.

The noise levels of EDM (training law, solver grid) are laid out for data of standard deviation ``sigma_data``; latents of
an autoencoder have whatever scale training left them with. The normalizer maps them affinely to mean 0 and standard
deviation ``sigma_data`` inside the ultrasound sector.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["LatentNormalizer"]


class LatentNormalizer(nn.Module):
    """Affine map between latents and their normalized form.

    Args:
        sigma_data: standard deviation of the normalized latents.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, sigma_data: float = 0.5) -> None:
        super().__init__()
        self.sigma_data = sigma_data
        self.register_buffer("mean", torch.zeros(()))
        self.register_buffer("std", torch.full((), sigma_data))

    @torch.no_grad()
    def fit(self, latents: Tensor, sector: Tensor) -> None:
        """Measure mean and standard deviation of ``latents`` (N, C, h, w) where ``sector`` (N, 1, h, w) is above one half.

        Raises:
            ValueError: if no pixel is inside the sector or the latents do not vary.
        """
        inside = latents.double()[(sector > 0.5).expand_as(latents)]
        if inside.numel() == 0 or not inside.std() > 0:
            raise ValueError("latent statistics need varying latents inside the sector; got a constant or an empty set")
        self.mean.copy_(inside.mean())
        self.std.copy_(inside.std())

    def normalize(self, latents: Tensor) -> Tensor:
        """Latents to zero mean and standard deviation ``sigma_data``."""
        return (latents - self.mean) * (self.sigma_data / self.std)

    def denormalize(self, latents: Tensor) -> Tensor:
        """Inverse of :meth:`normalize`."""
        return latents * (self.std / self.sigma_data) + self.mean
