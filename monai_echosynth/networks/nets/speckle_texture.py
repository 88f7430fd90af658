r"""The part of a frame that the latent does not hold: fine speckle, drawn from the law of the reconstruction residual.

A decoder trained with squared error returns the mean of its likelihood :math:`p(x \mid z)`; a frame of that law is the mean
plus a residual, and frames without it look smoothed. The residual's standard deviation :math:`s` follows from the decoded
intensity (speckle is multiplicative before, and still grows after, log compression) and from the slope :math:`g` of the decoded
frame: cavities and even tissue are decoded almost completely, edges are not. Its small mean :math:`m` is what the decoder misses
there, and its autocorrelation widens laterally with depth like the beam. So

.. math:: x = \hat x + m(\hat x, g) + s(\hat x, g)\,(k_d * n), \qquad n \sim N(0, I)

with tables :math:`m` and :math:`s` and zero-phase unit-energy kernels :math:`k_d` per depth band, all measured on training
frames.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from monai_echosynth.networks.nets.residual_law import ResidualLaw, slope

__all__ = ["SpeckleTexture"]


class SpeckleTexture(nn.Module):
    """Residual law of an autoencoder; adds nothing before :meth:`fit`.

    Args:
        levels: nodes of the tables over decoded intensity in [0, 1].
        bands: depth bands with a kernel of their own, blended linearly in between.
        reach: largest lag of the autocorrelation in pixels; kernels have ``2 * reach + 1`` pixels a side.
    """

    kernels: Tensor

    def __init__(self, levels: int = 16, bands: int = 4, reach: int = 4) -> None:
        super().__init__()
        side = 2 * reach + 1
        self.reach = reach
        self.law = ResidualLaw(levels)
        self.register_buffer("kernels", torch.zeros(bands, 1, side, side))
        self.kernels[:, :, reach, reach] = 1.0

    @torch.no_grad()
    def fit(self, image: Tensor, decoded: Tensor, sector: Tensor) -> None:
        """Measure the law.

        Args:
            image: frames (N, 1, X, Y) in [0, 1].
            decoded: their reconstructions from the posterior mean.
            sector: ultrasound sector, 0 or 1; a border of two pixels is left out.

        Raises:
            ValueError: if the sector is empty.
        """
        inside = 1 - F.max_pool2d(1 - sector, 5, 1, 2)
        if not inside.any():
            raise ValueError("the texture needs frames with a sector, got empty ones")
        residual = (image - decoded) * inside
        steepness = slope(decoded, sector)
        self.law.fit(residual, decoded, steepness, inside)
        mean, std = self.law(decoded, steepness)
        unit = (residual - mean) / std.clamp_min(1e-4) * inside
        edges = torch.linspace(0, image.shape[-1], len(self.kernels) + 1).long().tolist()
        for band, (low, high) in enumerate(pairwise(edges)):
            self.kernels[band, 0] = _kernel(unit[..., low:high], inside[..., low:high], self.reach)

    @torch.no_grad()
    def forward(self, decoded: Tensor, sector: Tensor, generators: Sequence[torch.Generator]) -> Tensor:
        """A draw of the residual (B, 1, X, Y) for decoded frames and their sectors, image i from ``generators[i]``."""
        noise = torch.stack([torch.randn(decoded.shape[1:], generator=g) for g in generators])
        return self.residual(decoded, sector, noise.to(decoded.device))

    def residual(self, decoded: Tensor, sector: Tensor, noise: Tensor) -> Tensor:
        """The residual (B, 1, X, Y) that unit normal ``noise`` of the same shape makes."""
        bands, depth = len(self.kernels), decoded.shape[-1]
        position = ((torch.arange(depth, device=decoded.device) + 0.5) / depth * bands - 0.5).clamp(0, bands - 1)
        weights = (1 - (position - torch.arange(bands, device=decoded.device)[:, None]).abs()).clamp_min(0)
        gram = torch.einsum("aixy,bixy->ab", self.kernels, self.kernels)
        energy = torch.einsum("ad,ab,bd->d", weights, gram, weights)
        filtered = F.conv2d(noise, self.kernels, padding=self.reach)
        speckle = (filtered * (weights / energy.clamp_min(1e-12).sqrt())[:, None, :]).sum(1, keepdim=True)
        mean, std = self.law(decoded, slope(decoded, sector))
        return mean + std * speckle


def _kernel(unit: Tensor, inside: Tensor, reach: int) -> Tensor:
    """Zero-phase unit-energy kernel whose filtered white noise has the autocorrelation of ``unit`` up to ``reach``."""
    side = 2 * reach + 1
    correlation = torch.zeros(side, side)
    for dx in range(reach + 1):
        for dy in range(-reach, reach + 1):
            pairs, weight = _lagged(unit, dx, dy), _lagged(inside, dx, dy).sum().clamp_min(1)
            value = float(pairs.sum() / weight)
            correlation[reach + dx, reach + dy] = correlation[reach - dx, reach - dy] = value
    if not correlation[reach, reach] > 0:
        kernel = torch.zeros(side, side)
        kernel[reach, reach] = 1.0
        return kernel
    taper = torch.hann_window(side + 2, periodic=False)[1:-1]
    correlation *= taper[:, None] * taper
    spectrum = torch.fft.fft2(torch.fft.ifftshift(correlation)).real.clamp_min(0)
    kernel = torch.fft.fftshift(torch.fft.ifft2(spectrum.sqrt()).real)
    return kernel / kernel.square().sum().sqrt()


def _lagged(values: Tensor, dx: int, dy: int) -> Tensor:
    """Products of values with themselves ``dx`` (not negative) and ``dy`` pixels further."""
    a, b = values[..., : values.shape[-2] - dx, :], values[..., dx:, :]
    if dy < 0:
        a, b = b, a
    return a[..., : a.shape[-1] - abs(dy)] * b[..., abs(dy) :]
