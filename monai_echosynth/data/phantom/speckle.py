"""Fully developed speckle: complex Gaussian scatterers seen through a depth-dependent point spread function.

Many scatterers per resolution cell give, after demodulation, a circular complex Gaussian field whose variance is the
local backscatter. The beamformed signal is that field convolved with a pulse envelope (axial, constant in range) and a
beam profile (lateral, varying with range); its magnitude is Rayleigh distributed, mean / sd = sqrt(pi / (4 - pi)),
about 1.91.

The beam of an aperture focused at range f has a width in mm of about

    s(r)^2 = (s_theta r)^2 + (s_0 (1 - r / f))^2,

diffraction, which spreads in proportion to range, and defocus. Both filters keep the mean power, so the PSF alters
texture but not brightness.

References:
    Wagner et al., Statistics of Speckle in Ultrasound B-Scans, 1983. https://doi.org/10.1109/T-SU.1983.31404
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from monai_echosynth.data.phantom.geometry import PolarGrid

__all__ = ["beam_width", "beamform", "complex_noise"]

Array = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]


def complex_noise(shape: tuple[int, int], rng: np.random.Generator) -> ComplexArray:
    """Circular complex Gaussian noise of unit mean power."""
    pair = rng.standard_normal((2, *shape)) * np.sqrt(0.5)
    return np.asarray(pair[0] + 1j * pair[1])


def beam_width(r: Array, angular: float, defocus: float, focus: float) -> Array:
    """Standard deviation of the lateral beam profile in mm at range ``r``.

    Args:
        r: range in mm.
        angular: diffraction-limited beam width in radians.
        defocus: extra width in mm at the probe.
        focus: focal range in mm.
    """
    return np.asarray(np.hypot(angular * r, defocus * (1.0 - r / focus)))


def beamform(scatterers: ComplexArray, beams: PolarGrid, pulse: float, width: Array) -> ComplexArray:
    """Convolve scatterers (B, R) with a Gaussian pulse and a Gaussian beam.

    Args:
        scatterers: complex scattering strength on the beam grid.
        beams: the grid.
        pulse: standard deviation of the pulse in mm of range.
        width: standard deviation of the beam in mm per range sample, broadcastable to (1, R).

    Returns:
        Complex signal (B, R) with the mean power of the scatterers.
    """
    samples = np.full((1, 1), pulse / beams.range_step)
    pulsed = _gaussian_filter(scatterers, samples, axis=1)
    angles = np.minimum(width / beams.r, 0.5) / beams.beam_step
    return _gaussian_filter(pulsed, angles, axis=0)


def _gaussian_filter(signal: ComplexArray, sigma: Array, axis: int) -> ComplexArray:
    """Filter along ``axis``; the width in samples may vary along the other axis. Mirror borders, unit power gain."""
    length = signal.shape[axis]
    pad = min(length - 1, int(np.ceil(3.0 * float(np.max(sigma)))))
    padded = np.pad(signal, [(pad, pad) if a == axis else (0, 0) for a in range(2)], mode="reflect")
    frequency = np.fft.fftfreq(padded.shape[axis])
    frequency = frequency[:, None] if axis == 0 else frequency[None, :]
    transfer = np.exp(-2.0 * (np.pi * sigma * frequency) ** 2)
    transfer = transfer / np.sqrt(np.mean(transfer**2, axis=axis, keepdims=True))
    filtered = np.fft.ifft(np.fft.fft(padded, axis=axis) * transfer, axis=axis)
    window = slice(pad, pad + length)
    return np.asarray(filtered[window] if axis == 0 else filtered[:, window])
