"""PSNR and SSIM of a frame against another, over the pixels inside the ultrasound sector.

PSNR = 10 log10(R^2 / MSE) with R the data range. SSIM is the local index of Wang et al. with their 11 x 11 Gaussian window
of standard deviation 1.5 (radius 5), K1 = 0.01, K2 = 0.03; its map is averaged over in-sector pixels, so that the black
surround, which is equal by construction, does not lift the score.

References:
    Wang et al., "Image quality assessment: from error visibility to structural similarity". https://doi.org/10.1109/TIP.2003.819861
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

__all__ = ["psnr", "ssim", "ssim_map"]

FloatImage = NDArray[np.floating]


def psnr(image: FloatImage, reference: FloatImage, sector: NDArray[np.bool_], data_range: float = 1.0) -> float:
    """Peak signal-to-noise ratio in dB over the pixels of ``sector``; infinite for equal frames.

    Raises:
        ValueError: shapes differ or the sector is empty.
    """
    _check(image, reference, sector)
    error = float(np.mean((image.astype(np.float64) - reference.astype(np.float64))[sector] ** 2))
    return float("inf") if error == 0 else 10.0 * float(np.log10(data_range**2 / error))


def ssim(image: FloatImage, reference: FloatImage, sector: NDArray[np.bool_], data_range: float = 1.0) -> float:
    """Structural similarity in [-1, 1], averaged over the pixels of ``sector``.

    Raises:
        ValueError: shapes differ or the sector is empty.
    """
    _check(image, reference, sector)
    return float(ssim_map(image, reference, data_range)[sector].mean())


def ssim_map(image: FloatImage, reference: FloatImage, data_range: float = 1.0) -> NDArray[np.float64]:
    """Local structural similarity of two frames of one shape; windows are mirrored at the picture's border."""
    x, y = image.astype(np.float64), reference.astype(np.float64)
    c1, c2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
    mean_x, mean_y = _window(x), _window(y)
    var_x, var_y = _window(x * x) - mean_x**2, _window(y * y) - mean_y**2
    covariance = _window(x * y) - mean_x * mean_y
    numerator = (2 * mean_x * mean_y + c1) * (2 * covariance + c2)
    result: NDArray[np.float64] = numerator / ((mean_x**2 + mean_y**2 + c1) * (var_x + var_y + c2))
    return result


def _window(values: NDArray[np.float64]) -> NDArray[np.float64]:
    filtered: NDArray[np.float64] = ndimage.gaussian_filter(values, sigma=1.5, radius=5, mode="reflect")
    return filtered


def _check(image: FloatImage, reference: FloatImage, sector: NDArray[np.bool_]) -> None:
    if not image.shape == reference.shape == sector.shape:
        raise ValueError(
            f"image, reference and sector must have one shape, got {image.shape}, {reference.shape}, {sector.shape}"
        )
    if not sector.any():
        raise ValueError("the sector must hold at least one pixel, got an empty mask: check the frame's label map")
