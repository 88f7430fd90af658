r"""Pixel space in the place of a latent space: the autoencoder of models that denoise frames themselves.

It has the contract of MONAI's ``AutoencoderKL`` and of the gamma-VAE, and no parameters: encoding and decoding are the identity.
What it holds is the affine map to the scale that noise levels are laid out for. Gray levels in [0, 1] have neither zero mean nor
the standard deviation 0.5, so both are measured on training frames, inside the sector, and stored like weights.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from monai_echosynth.distributions.latent_normalizer import LatentNormalizer

__all__ = ["PixelSpace"]


class PixelSpace(nn.Module):
    """The identity as an autoencoder.

    Args:
        sigma_data: standard deviation of the frames handed to the diffusion stage.

    Attributes:
        normalizer: mean and standard deviation of the training frames.
        downsampling: 1, the ratio of frame to "latent" size.
    """

    def __init__(self, sigma_data: float = 0.5) -> None:
        super().__init__()
        self.normalizer = LatentNormalizer(sigma_data)
        self.downsampling = 1

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Image (B, 1, X, Y) in [0, 1] to the mean and the standard deviation of its posterior: itself and 0."""
        return x, torch.zeros_like(x)

    def sampling(self, mean: Tensor, std: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """The mean: the posterior is a point."""
        return mean

    def decode(self, z: Tensor) -> Tensor:
        """The image itself."""
        return z

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Reconstruction, mean and standard deviation, as MONAI's ``AutoencoderKL`` returns them."""
        mean, std = self.encode(x)
        return self.decode(mean), mean, std

    def latent_sector(self, sector: Tensor) -> Tensor:
        """The sector (B, 1, X, Y)."""
        return sector

    def data_range(self) -> tuple[Tensor, Tensor]:
        """Normalized values of black and white; the first is that of pixels outside the sector."""
        black = torch.zeros_like(self.normalizer.mean)
        return self.normalizer.normalize(black), self.normalizer.normalize(black + 1)

    def encode_stage_2_inputs(self, x: Tensor, sector: Tensor | None = None) -> Tensor:
        """Image (B, 1, X, Y) in [0, 1] on the scale of the diffusion stage; the background of ``sector`` is constant."""
        return self.normalizer.normalize(x if sector is None else x * sector)

    def decode_stage_2_outputs(self, z: Tensor, sector: Tensor | None = None) -> Tensor:
        """Sample of the diffusion stage to an image in [0, 1]; exactly 0 outside ``sector`` (B, 1, X, Y) where given."""
        image = self.normalizer.denormalize(z).clamp(0.0, 1.0)
        return image if sector is None else image * sector
