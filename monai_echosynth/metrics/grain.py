r"""Grain of a frame: how far speckle reaches along the probe and in depth.

Tissue changes gray levels over centimeters, which would drown the correlation of the grain, so a local mean over in-sector
neighbors is taken off first. The grain is then the full width at half maximum of the autocovariance inside the sector
(:func:`monai_echosynth.metrics.speckle.autocorrelation_length`).
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from monai_echosynth.metrics.speckle import autocorrelation_length

__all__ = ["DETREND_PX", "Grain", "detrended", "grain", "grain_of"]

DETREND_PX: Final = 6.0
"""Standard deviation, in pixels, of the local mean that is taken off before the grain is measured."""


class Grain(NamedTuple):
    """Full widths at half maximum of the autocovariance in mm; NaN where it never falls to half."""

    lateral: float
    axial: float


def detrended(image: ArrayLike, sector: NDArray[np.bool_], sd: float = DETREND_PX) -> NDArray[np.float64]:
    """Image (X, Y) minus its Gaussian local mean over in-sector neighbors, 0 outside the sector.

    Args:
        image: (X, Y).
        sector: (X, Y).
        sd: standard deviation of the local mean in pixels.
    """
    values = np.asarray(image, dtype=np.float64)
    weight = ndimage.gaussian_filter(sector.astype(np.float64), sd)
    local = ndimage.gaussian_filter(np.where(sector, values, 0.0), sd) / np.maximum(weight, 1e-6)
    return np.where(sector, values - local, 0.0)


def grain(image: ArrayLike, sector: NDArray[np.bool_], spacing: tuple[float, float]) -> Grain:
    """Grain of a frame.

    Args:
        image: (X, Y), lateral and axial.
        sector: (X, Y).
        spacing: size of a pixel along both axes, mm.
    """
    return grain_of(detrended(image, sector), sector, spacing)


def grain_of(texture: NDArray[np.float64], region: NDArray[np.bool_], spacing: tuple[float, float]) -> Grain:
    """Grain of a part of a frame, such as a structure.

    Args:
        texture: (X, Y), from :func:`detrended`.
        region: (X, Y), the part.
        spacing: size of a pixel along both axes, mm.
    """
    widths = [autocorrelation_length(texture, region, axis=axis, spacing=spacing[axis]) for axis in (0, 1)]
    return Grain(*widths)
