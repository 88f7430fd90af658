"""Sector scan geometry: the map between beam coordinates and the picture.

A phased array at the origin fires beams at angles ``theta`` (0 = straight down, positive = picture right); an echo from
range ``r`` comes from ``x = r sin(theta)`` (lateral), ``y = r cos(theta)`` (depth). The picture is the smallest
isotropic grid that holds the sector ``|theta| <= opening / 2, r <= depth``. Arrays are ordered (beam, range) and (X, Y).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

__all__ = ["CartesianGrid", "PolarGrid", "ScanGeometry", "scan_convert"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class PolarGrid:
    """Regular beam grid: ``theta`` (B, 1) in radians and ``r`` (1, R) in mm."""

    theta: Array
    r: Array

    @property
    def shape(self) -> tuple[int, int]:
        """Number of beams and of range samples."""
        return self.theta.shape[0], self.r.shape[1]

    @property
    def range_step(self) -> float:
        """Distance between two range samples in mm."""
        return float(self.r[0, 1] - self.r[0, 0])

    @property
    def beam_step(self) -> float:
        """Angle between two beams in radians."""
        return float(self.theta[1, 0] - self.theta[0, 0])

    def cartesian(self) -> tuple[Array, Array]:
        """Lateral and depth coordinates in mm of every sample, each (B, R)."""
        return self.r * np.sin(self.theta), self.r * np.cos(self.theta)


@dataclass(frozen=True)
class CartesianGrid:
    """Isotropic picture grid: pixel centers ``x`` (X, 1) and ``y`` (1, Y) and their ``spacing``, all in mm."""

    x: Array
    y: Array
    spacing: float

    @property
    def shape(self) -> tuple[int, int]:
        """Pixels along the lateral and the depth axis."""
        return self.x.shape[0], self.y.shape[1]


@dataclass(frozen=True)
class ScanGeometry:
    """Sector with a full ``opening`` angle in degrees and a ``depth`` in mm; the probe is at (0, 0)."""

    opening: float
    depth: float

    @property
    def half_angle(self) -> float:
        """Half of the opening angle in radians."""
        return float(np.deg2rad(self.opening) / 2.0)

    def polar(self, beams: int, samples: int) -> PolarGrid:
        """Beam grid that spans the sector from edge to edge."""
        theta = np.linspace(-self.half_angle, self.half_angle, beams)[:, None]
        r = ((np.arange(samples) + 0.5) * self.depth / samples)[None, :]
        return PolarGrid(theta, r)

    def cartesian(self, width: int) -> CartesianGrid:
        """Picture grid of ``width`` lateral pixels; the depth axis gets as many as the sector needs."""
        spacing = 2.0 * self.depth * np.sin(self.half_angle) / width
        height = round(self.depth / spacing)
        x = (np.arange(width) + 0.5 - width / 2.0) * spacing
        y = (np.arange(height) + 0.5) * spacing
        return CartesianGrid(x[:, None], y[None, :], float(spacing))

    def inside(self, x: Array, y: Array) -> NDArray[np.bool_]:
        """Whether points (mm) lie in the sector."""
        return (np.hypot(x, y) <= self.depth) & (np.abs(np.arctan2(x, y)) <= self.half_angle)


def scan_convert(polar: Array, beams: PolarGrid, grid: CartesianGrid) -> Array:
    """Interpolate a (B, R) beam image linearly on the picture grid, (X, Y); the sector is not cut out here."""
    r = np.hypot(grid.x, grid.y)
    theta = np.arctan2(grid.x, grid.y)
    rows = (theta - beams.theta[0, 0]) / beams.beam_step
    columns = (r - beams.r[0, 0]) / beams.range_step
    return np.asarray(ndimage.map_coordinates(polar, [rows, columns], order=1, mode="nearest"))
