r"""The best match of two textures over small shifts, with everything that does not count left out.

For a shift :math:`s` the correlation over the places that count in both,

.. math:: \rho(s) = \frac{\sum_p w_p v_{p+s}\, a_p b_{p+s}}{\sqrt{\sum_p w_p v_{p+s}\, a_p^2 \; \sum_p w_p v_{p+s}\, b_{p+s}^2}}

is three cross-correlations, taken for all shifts at once by fast Fourier transforms. Means are zero by construction of
the textures. Shifts that leave too little in common do not count.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from monai_echosynth.metrics.frame_texture import Texture

__all__ = ["ShiftMatch", "shift_match", "shifted"]

Array = NDArray[np.floating]


class ShiftMatch(NamedTuple):
    """Correlation in [-1, 1] at the best shift, and that shift in pixels: ``other[p + shift]`` lies under ``first[p]``."""

    correlation: float
    shift: tuple[int, int]


def shift_match(first: Texture, other: Texture, reach: int, fewest: float = 0.5) -> ShiftMatch:
    """Best correlation over all shifts of at most ``reach`` pixels along each axis.

    Args:
        first: texture (X, Y).
        other: texture of the same shape.
        reach: largest shift along an axis in pixels.
        fewest: share of the smaller frame's places that must be in common.

    Returns:
        Correlation 0 where the frames have too little in common.
    """
    if first.values.shape != other.values.shape:
        raise ValueError(f"textures must have one shape, got {first.values.shape} and {other.values.shape}")
    shape = tuple(fft.next_fast_len(n + 2 * reach, real=True) for n in first.values.shape)
    a, b = (np.asarray(part.values, np.float64) for part in (first, other))
    w, v = (np.asarray(part.weight, np.float64) for part in (first, other))
    products = _correlate((w * a, w * a * a, w, w), (v * b, v, v * b * b, v), shape, reach)
    covariance, energy_a, energy_b, common = products
    needed = fewest * min(w.sum(), v.sum())
    known = (common >= max(needed, 1.0)) & (energy_a > 1e-9) & (energy_b > 1e-9)
    score = np.where(known, covariance / np.sqrt(np.maximum(energy_a * energy_b, 1e-12)), -np.inf)
    x, y = np.unravel_index(int(score.argmax()), score.shape)
    found = float(score[x, y])
    return ShiftMatch(min(found, 1.0) if np.isfinite(found) else 0.0, (int(x) - reach, int(y) - reach))


def shifted(image: Array, shift: tuple[int, int]) -> Array:
    """The image moved so that pixel p + shift comes to p; 0 where nothing comes."""
    out = np.zeros_like(image)
    here, there = [], []
    for step, size in zip(shift, image.shape, strict=True):
        here.append(slice(max(0, -step), min(size, size - step)))
        there.append(slice(max(0, step), min(size, size + step)))
    out[tuple(here)] = image[tuple(there)]
    return out


def _correlate(
    firsts: tuple[Array, ...], others: tuple[Array, ...], shape: tuple[int, ...], reach: int
) -> NDArray[np.float64]:
    """(pairs, 2 reach + 1, 2 reach + 1): sum over p of first[p] other[p + s], s from -reach."""
    transformed = [fft.rfft2(np.stack(part), shape) for part in (firsts, others)]
    found = fft.irfft2(np.conj(transformed[0]) * transformed[1], shape)
    steps = np.arange(-reach, reach + 1)
    return np.asarray(found[:, steps[:, None], steps[None, :]])
