r"""The part of a frame that the latent does not hold: fine speckle, drawn from the law of the reconstruction residual.

A decoder trained with squared error returns the mean of its likelihood :math:`p(x \mid z)`; a frame of that law is the mean
plus a residual, and frames without it look smoothed. The residual of echo frames is close to Gaussian, its standard
deviation :math:`s` follows from the decoded intensity (speckle is multiplicative before, and still grows after, log
compression), and its autocorrelation widens laterally with depth like the beam. So

.. math:: x = \hat x + s(\hat x)\,(k_d * n), \qquad n \sim N(0, I)

with :math:`s` a curve and :math:`k_d` zero-phase unit-energy kernels per depth band, all measured on training frames.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["SpeckleTexture"]


class SpeckleTexture(nn.Module):
    """Residual law of an autoencoder; adds nothing before :meth:`fit`.

    Args:
        levels: nodes of the curve of standard deviation over decoded intensity in [0, 1].
        bands: depth bands with a kernel of their own, blended linearly in between.
        reach: largest lag of the autocorrelation in pixels; kernels have ``2 * reach + 1`` pixels a side.
    """

    std: Tensor
    kernels: Tensor

    def __init__(self, levels: int = 16, bands: int = 4, reach: int = 4) -> None:
        super().__init__()
        side = 2 * reach + 1
        self.reach = reach
        self.register_buffer("std", torch.zeros(levels))
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
        self.std.copy_(_curve(residual, decoded, inside, len(self.std)))
        unit = residual / self._std_of(decoded).clamp_min(1e-4) * inside
        edges = torch.linspace(0, image.shape[-1], len(self.kernels) + 1).long().tolist()
        for band, (low, high) in enumerate(pairwise(edges)):
            self.kernels[band, 0] = _kernel(unit[..., low:high], inside[..., low:high], self.reach)

    @torch.no_grad()
    def forward(self, decoded: Tensor, generators: Sequence[torch.Generator]) -> Tensor:
        """A draw of the residual (B, 1, X, Y) for decoded frames (B, 1, X, Y), image i from ``generators[i]``."""
        noise = torch.stack([torch.randn(decoded.shape[1:], generator=g) for g in generators]).to(decoded.device)
        bands, depth = len(self.kernels), decoded.shape[-1]
        position = ((torch.arange(depth, device=decoded.device) + 0.5) / depth * bands - 0.5).clamp(0, bands - 1)
        weights = (1 - (position - torch.arange(bands, device=decoded.device)[:, None]).abs()).clamp_min(0)
        gram = torch.einsum("aixy,bixy->ab", self.kernels, self.kernels)
        energy = torch.einsum("ad,ab,bd->d", weights, gram, weights)
        filtered = F.conv2d(noise, self.kernels, padding=self.reach)
        speckle = (filtered * (weights / energy.clamp_min(1e-12).sqrt())[:, None, :]).sum(1, keepdim=True)
        return self._std_of(decoded) * speckle

    def _std_of(self, decoded: Tensor) -> Tensor:
        """The curve at decoded intensities, linear between nodes."""
        position = decoded.clamp(0, 1) * (len(self.std) - 1)
        low = position.floor().long().clamp_max(len(self.std) - 2)
        share = position - low
        return self.std[low] * (1 - share) + self.std[low + 1] * share


def _curve(residual: Tensor, decoded: Tensor, inside: Tensor, levels: int) -> Tensor:
    """Root mean square of the residual near each level of decoded intensity; levels without pixels take their neighbor's."""
    mask = inside > 0
    level = (decoded[mask].clamp(0, 1) * (levels - 1)).round().long()
    count = torch.zeros(levels, device=decoded.device).index_add_(0, level, torch.ones_like(decoded[mask]))
    total = torch.zeros(levels, device=decoded.device).index_add_(0, level, residual[mask].square())
    known = (count >= 30).nonzero()[:, 0]
    if len(known) == 0:
        known = count.argmax()[None]
    nearest = known[(torch.arange(levels, device=known.device)[:, None] - known).abs().argmin(1)]
    return (total / count.clamp_min(1)).sqrt()[nearest]


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
