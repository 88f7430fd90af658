r"""Local statistics of a frame: a fixed non-linear map under which texture can be compared without comparing pixels.

Averaging speckle gives a blur, averaging its statistics does not. In windows of 16 x 16 pixels around the positions of the eighth
resolution, over pixels inside the sector: mean and log standard deviation of the gray level, the shares of six overlapping ranges
of gray, and at full, half and quarter resolution the logs of the mean absolute first and second differences along both axes.
Each is standardized by its mean and standard deviation over real frames.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from monai_echosynth.losses.places import places

__all__ = ["CELL", "LocalStatistics"]

CELL = 8
"""Pixels between positions."""

CHUNK = 32
"""Frames that are measured together when the scales are fitted."""

EPSILON = 2e-3
"""Difference below which texture counts as flat, in gray levels of full scale 1."""


class LocalStatistics(nn.Module):
    """The map.

    Args:
        levels: resolutions of the differences, from the full one.
        bins: ranges of gray.
    """

    mean: Tensor
    spread: Tensor

    def __init__(self, levels: int = 3, bins: int = 6) -> None:
        super().__init__()
        self.levels, self.bins = levels, bins
        self.register_buffer("mean", torch.zeros(self.count))
        self.register_buffer("spread", torch.ones(self.count))

    @property
    def count(self) -> int:
        """Number of statistics P."""
        return 2 + self.bins + 4 * self.levels

    @torch.no_grad()
    def fit(self, image: Tensor, sector: Tensor) -> None:
        """Take mean and standard deviation from real frames (K, 1, X, Y) in [0, 1] and their sectors."""
        parts = zip(image.split(CHUNK), sector.split(CHUNK), strict=True)
        found = [places(*self._raw(*part)) for part in parts]
        tokens = torch.cat(found)
        self.mean.copy_(tokens.mean(dim=0))
        self.spread.copy_(tokens.std(dim=0, correction=0).clamp_min(0.05))

    def forward(self, image: Tensor, sector: Tensor) -> tuple[Tensor, Tensor]:
        """Statistics (B, P, X / 8, Y / 8) of frames (B, 1, X, Y) in [0, 1] with sectors (B, 1, X, Y), and whether a position has
        enough of the sector in its window, (B, 1, X / 8, Y / 8).
        """
        raw, valid = self._raw(image, sector)
        return ((raw - self.mean[:, None, None]) / self.spread[:, None, None]).clamp(-6.0, 6.0) * valid, valid

    def _raw(self, image: Tensor, sector: Tensor) -> tuple[Tensor, Tensor]:
        covered = _pool(sector, CELL)
        mean, square = (_pool(values * sector, CELL) / covered.clamp_min(1e-3) for values in (image, image.square()))
        deviation = (square - mean.square()).clamp_min(0.0).add(EPSILON**2).sqrt().log()
        centers = torch.linspace(0.0, 1.0, self.bins, device=image.device).reshape(1, -1, 1, 1)
        share = (1.0 - (image - centers).abs() * (self.bins - 1)).clamp_min(0.0)
        found = [mean, deviation, _pool(share * sector, CELL) / covered.clamp_min(1e-3)]
        level, inside, cell = image, sector, CELL
        for _ in range(self.levels):
            for axis in (2, 3):
                found += _differences(level, inside, axis, cell)
            level, inside, cell = F.avg_pool2d(level, 2), -F.max_pool2d(-inside, 2), cell // 2
        return torch.cat(found, dim=1), (covered > 0.6).to(image.dtype)


def _differences(image: Tensor, sector: Tensor, axis: int, cell: int) -> list[Tensor]:
    found = []
    for _ in range(2):
        count = image.shape[axis] - 1
        image = image.narrow(axis, 1, count) - image.narrow(axis, 0, count)
        sector = sector.narrow(axis, 1, count) * sector.narrow(axis, 0, count)
        padding = (0, 0, 0, 1) if axis == 2 else (0, 1)
        missing = tuple(p * (cell - count % cell) for p in padding)
        size, weight = F.pad(image.abs() * sector, missing), F.pad(sector, missing)
        found.append((_pool(size, cell) / _pool(weight, cell).clamp_min(1e-2) + EPSILON).log())
    return found


def _pool(values: Tensor, cell: int) -> Tensor:
    """Mean over windows of twice the cell around each cell."""
    return F.avg_pool2d(values, 2 * cell, stride=cell, padding=cell // 2, count_include_pad=True)
