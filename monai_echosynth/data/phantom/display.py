"""From the demodulated signal to gray levels: detection, gain, log compression, smoothing, gray map, quantization.

With envelope e, gain G (dB) and dynamic range D (dB), the gray level is  clip((20 log10 e + G + D) / D, 0, 1) ** gamma.
The gain is what a sonographer does: it is turned until the picture has the wanted mean gray level.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

__all__ = ["auto_gain", "gray_level", "smooth_envelope", "to_uint8"]

Array = NDArray[np.float64]


def smooth_envelope(signal: NDArray[np.complex128], beams: float, samples: float) -> Array:
    """Level in dB of the envelope after spatial compounding over ``beams`` x ``samples`` (standard deviations)."""
    power = ndimage.gaussian_filter(np.abs(signal) ** 2, (beams, samples))
    return np.asarray(10.0 * np.log10(np.maximum(power, 1e-30)))


def gray_level(level_db: Array, gain: float, dynamic_range: float, gamma: float) -> Array:
    """Log-compressed gray level in [0, 1]."""
    return np.asarray(np.clip((level_db + gain) / dynamic_range + 1.0, 0.0, 1.0) ** gamma)


def auto_gain(level_db: Array, weight: Array, dynamic_range: float, gamma: float, mean: float) -> float:
    """Gain in dB at which the weighted mean gray level of ``level_db`` is ``mean``, by bisection (to 0.01 dB).

    Args:
        level_db: envelope level, (B, R).
        weight: share of each sample in the picture, broadcastable to (B, R).
        dynamic_range: in dB. gamma: exponent of the gray map.
        mean: wanted mean gray level in (0, 1).
    """
    level, share = level_db[::2, ::4], np.broadcast_to(weight, level_db.shape)[::2, ::4]
    low, high = -float(level.max()) - dynamic_range, -float(level.min()) + dynamic_range
    while high - low > 0.01:
        middle = 0.5 * (low + high)
        if np.average(gray_level(level, middle, dynamic_range, gamma), weights=share) < mean:
            low = middle
        else:
            high = middle
    return 0.5 * (low + high)


def to_uint8(gray: Array, inside: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Quantize [0, 1] to 0..255; exactly 0 outside the sector."""
    return np.where(inside, np.rint(255.0 * gray), 0.0).astype(np.uint8)
