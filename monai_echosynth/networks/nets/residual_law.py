"""Mean and spread of a reconstruction residual, given the decoded intensity and how steeply it changes there."""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["ResidualLaw", "slope"]

_UNIT_SLOPE = 0.004
"""Slopes are told apart on a scale that is linear below this change of intensity per pixel and logarithmic above."""

_MIN_PIXELS = 30


class ResidualLaw(nn.Module):
    """Tables over decoded intensity in [0, 1] and slope; bilinear between nodes, zero before :meth:`fit`.

    Args:
        levels: nodes of intensity, evenly spread.
        slopes: nodes of slope; the last one stands at ``0.004 * (2 ** (slopes - 1) - 1)`` per pixel.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, levels: int = 16, slopes: int = 7) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(levels, slopes))
        self.register_buffer("std", torch.zeros(levels, slopes))

    @torch.no_grad()
    def fit(self, residual: Tensor, decoded: Tensor, steepness: Tensor, inside: Tensor) -> None:
        """Measures both tables over the pixels ``inside``; nodes with few pixels take the nearest node that has enough.

        Args:
            residual: image minus decoded image, any shape.
            decoded: decoded image in [0, 1], of the same shape.
            steepness: its :func:`slope`, of the same shape.
            inside: where to measure, of the same shape.
        """
        levels, slopes = self.std.shape
        row, column = (position[inside > 0].round().long() for position in self._position(decoded, steepness))
        node, values = row * slopes + column, residual[inside > 0]
        count, total, square = (
            torch.zeros(levels * slopes, device=values.device).index_add_(0, node, x)
            for x in (torch.ones_like(values), values, values.square())
        )
        known = (count >= _MIN_PIXELS).nonzero()[:, 0]
        if len(known) == 0:
            known = count.argmax()[None]
        place = torch.cartesian_prod(torch.arange(levels), torch.arange(slopes)).float().to(known.device)
        nearest = known[torch.cdist(place, place[known]).argmin(1)]
        mean = total / count.clamp_min(1)
        std = (square / count.clamp_min(1) - mean.square()).clamp_min(0).sqrt()
        self.mean.copy_(mean[nearest].view(levels, slopes))
        self.std.copy_(std[nearest].view(levels, slopes))

    def forward(self, decoded: Tensor, steepness: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation at every pixel, of the shape of ``decoded``."""
        row, column = self._position(decoded, steepness)
        top, left = row.floor().clamp_max(self.std.shape[0] - 2), column.floor().clamp_max(self.std.shape[1] - 2)
        down, right = row - top, column - left
        node = top.long() * self.std.shape[1] + left.long()
        mean, std = (
            (1 - down) * ((1 - right) * table[node] + right * table[node + 1])
            + down * ((1 - right) * table[node + self.std.shape[1]] + right * table[node + self.std.shape[1] + 1])
            for table in (self.mean.flatten(), self.std.flatten())
        )
        return mean, std

    def _position(self, decoded: Tensor, steepness: Tensor) -> tuple[Tensor, Tensor]:
        """Fractional row and column of the tables."""
        levels, slopes = self.std.shape
        column = torch.log2(1 + steepness / _UNIT_SLOPE)
        return decoded.clamp(0, 1) * (levels - 1), column.clamp_max(slopes - 1)


def slope(image: Tensor, sector: Tensor) -> Tensor:
    """Magnitude of the gradient of images (N, 1, X, Y) per pixel, from central differences that stay in the sector."""
    across, along = torch.zeros_like(image), torch.zeros_like(image)
    across[..., 1:-1, :] = (image[..., 2:, :] - image[..., :-2, :]) / 2 * sector[..., 2:, :] * sector[..., :-2, :]
    along[..., 1:-1] = (image[..., 2:] - image[..., :-2]) / 2 * sector[..., 2:] * sector[..., :-2]
    return torch.hypot(across, along)
