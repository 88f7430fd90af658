r"""Gamma-VAE: a one-channel, spatially consistent latent whose posterior is a Gamma law at every latent pixel.

Echo intensities inside the sector follow a Gamma-like law and the background is an exact zero; a Gaussian latent loses
both. Each latent pixel has the posterior :math:`\Gamma(c, r)`, concentration :math:`c = c_{min} + \mathrm{softplus}(a)` and
rate :math:`r = r_{min} + \mathrm{softplus}(b)` from two heads that start at the prior (section 2.2-2.3 of the efficient
semantic diffusion paper). The diffusion stage sees the posterior mean :math:`c / r`, so that encoding a frame twice gives
the same latent.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from monai.networks.blocks import Convolution
from monai.networks.nets.autoencoderkl import Decoder, Encoder
from torch import Tensor, nn

from monai_echosynth.distributions.gamma import GammaPrior, gamma_mean, gamma_rsample
from monai_echosynth.distributions.latent_normalizer import LatentNormalizer

__all__ = ["GammaAutoencoder"]


class GammaAutoencoder(nn.Module):
    """Autoencoder with the contract of MONAI's ``AutoencoderKL`` and a Gamma posterior.

    Args:
        channels: channels per level; ``len(channels) - 1`` downsamplings by two.
        num_res_blocks: residual blocks per level.
        attention_levels: attention per level; off everywhere when omitted except at the last level.
        norm_num_groups: groups of the normalization.
        hidden_channels: encoder output channels that the two heads read (at least 2).
        latent_channels: latent channels; one keeps the latent spatially consistent with the mask.
        concentration_min: lower bound of the concentration (at least 0.1).
        rate_min: lower bound of the rate.
        sigma_data: standard deviation of the latents handed to the diffusion stage.
    """

    def __init__(
        self,
        channels: Sequence[int] = (64, 128, 192),
        num_res_blocks: Sequence[int] | int = 2,
        attention_levels: Sequence[bool] | None = None,
        norm_num_groups: int = 32,
        hidden_channels: int = 8,
        latent_channels: int = 1,
        concentration_min: float = 0.1,
        rate_min: float = 0.1,
        sigma_data: float = 0.5,
    ) -> None:
        super().__init__()
        if hidden_channels < 2 or concentration_min < 0.1:
            raise ValueError(
                "GammaAutoencoder needs hidden_channels >= 2 and concentration_min >= 0.1, "
                f"got {hidden_channels} and {concentration_min}"
            )
        levels = len(channels)
        blocks = [num_res_blocks] * levels if isinstance(num_res_blocks, int) else list(num_res_blocks)
        attention = list(attention_levels) if attention_levels is not None else [False] * (levels - 1) + [True]
        shape = {"num_res_blocks": blocks, "norm_num_groups": norm_num_groups, "norm_eps": 1e-6}
        shape |= {"attention_levels": attention, "with_nonlocal_attn": any(attention), "use_flash_attention": True}
        self.encoder = Encoder(2, 1, channels, out_channels=hidden_channels, **shape)
        self.quant_conv_concentration = _head(
            hidden_channels, latent_channels, GammaPrior().concentration - concentration_min
        )
        self.quant_conv_rate = _head(hidden_channels, latent_channels, GammaPrior().rate - rate_min)
        self.post_quant_conv = Convolution(2, latent_channels, latent_channels, kernel_size=1, conv_only=True)
        self.decoder = Decoder(2, channels, in_channels=latent_channels, out_channels=1, **shape)
        self.normalizer = LatentNormalizer(sigma_data)
        self.concentration_min, self.rate_min = concentration_min, rate_min
        self.downsampling = 2 ** (levels - 1)

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Image (B, 1, X, Y) in [0, 1] to concentration and rate, both (B, C, X/f, Y/f), float32 and positive."""
        hidden = self.encoder(x)
        with torch.autocast(hidden.device.type, enabled=False):
            concentration = self.concentration_min + F.softplus(self.quant_conv_concentration(hidden.float()))
            rate = self.rate_min + F.softplus(self.quant_conv_rate(hidden.float()))
        return concentration, rate

    def sampling(self, concentration: Tensor, rate: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Differentiable draw from the posterior."""
        return gamma_rsample(concentration, rate, generator)

    def decode(self, z: Tensor) -> Tensor:
        """Latent (B, C, X/f, Y/f) on its physical scale to an image (B, 1, X, Y), not clipped."""
        return self.decoder(self.post_quant_conv(z))

    def reconstruct(self, x: Tensor) -> Tensor:
        """Image through the posterior mean and back."""
        return self.decode(gamma_mean(*self.encode(x)))

    def forward(
        self,
        x: Tensor,
        sector: Tensor | None = None,
        generator: torch.Generator | None = None,
        sample: bool = True,
    ) -> dict[str, Tensor]:
        """Reconstruct an image from a draw of its posterior, or from the posterior mean.

        Args:
            x: image (B, 1, X, Y) in [0, 1], zero outside the sector.
            sector: ultrasound sector (B, 1, X, Y); outside it the draw is replaced by the background, 0.
            generator: source of randomness.
            sample: draw from the posterior (training) instead of taking its mean (use).

        Returns:
            ``reconstruction`` (B, 1, X, Y), ``concentration``, ``rate`` and ``latent`` (B, C, X/f, Y/f).
        """
        concentration, rate = self.encode(x)
        latent = self.sampling(concentration, rate, generator) if sample else gamma_mean(concentration, rate)
        if sector is not None:
            latent = latent * self.latent_sector(sector)
        return {
            "reconstruction": self.decode(latent),
            "concentration": concentration,
            "rate": rate,
            "latent": latent,
        }

    def latent_sector(self, sector: Tensor) -> Tensor:
        """Latent pixels (B, 1, X/f, Y/f) that touch the sector (B, 1, X, Y), as 0 or 1."""
        return F.max_pool2d(sector, self.downsampling)

    def data_range(self) -> tuple[Tensor, Tensor]:
        """Normalized latents at the bounds of the Gamma law, 0 and infinity; the first is that of pixels outside the sector."""
        bound = torch.zeros_like(self.normalizer.mean)
        return self.normalizer.normalize(bound), bound + math.inf

    def encode_stage_2_inputs(self, x: Tensor, sector: Tensor | None = None) -> Tensor:
        """Posterior mean of an image, normalized for the diffusion stage; deterministic.

        With ``sector`` (B, 1, X, Y) the background holds its constant value.
        """
        latent = gamma_mean(*self.encode(x))
        if sector is not None:
            latent = latent * self.latent_sector(sector)
        return self.normalizer.normalize(latent)

    def decode_stage_2_outputs(self, z: Tensor, sector: Tensor | None = None) -> Tensor:
        """Normalized latent to an image in [0, 1]; exactly 0 outside ``sector`` (B, 1, X, Y) where given."""
        image = self.decode(self.normalizer.denormalize(z)).clamp(0.0, 1.0)
        return image if sector is None else image * sector


def _head(in_channels: int, out_channels: int, start: float) -> Convolution:
    """A 1x1 convolution whose softplus is ``start`` everywhere before training."""
    head = Convolution(2, in_channels, out_channels, kernel_size=1, conv_only=True)
    nn.init.zeros_(head.conv.weight)
    nn.init.constant_(head.conv.bias, start + math.log(-math.expm1(-start)))
    return head
