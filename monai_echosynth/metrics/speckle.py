r"""Statistics of speckle: envelope law, grain size and power spectrum.

Fully developed speckle has a Rayleigh envelope: mean / standard deviation is
:math:`\sqrt{\pi / (4 - \pi)} \approx 1.91`, and its Nakagami shape *m* is 1. Since :math:`A \sim` Nakagami(m, omega)
exactly when :math:`A^2 \sim` Gamma(m, m / omega), the shape is fitted by a Gamma fit of the intensity. The grain is the
full width at half maximum of the autocovariance along depth (axial) or along the probe (lateral); white noise blurred
by a Gaussian of standard deviation s has width :math:`4 s \sqrt{\ln 2}`. Frames on disk are log-compressed, so envelope
statistics undo that with an assumed dynamic range, which is stated wherever a number is shown.

References:
    Wagner et al., "Statistics of Speckle in Ultrasound B-Scans", IEEE Trans. Sonics Ultrason. 30(3), 1983,
    https://doi.org/10.1109/T-SU.1983.31404
    Shankar, "A general statistical model for ultrasonic backscattering from tissues", IEEE UFFC 47(3), 2000,
    https://doi.org/10.1109/58.842062
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from monai_echosynth.metrics.intensity import fit_gamma

__all__ = [
    "NakagamiFit",
    "PowerSpectrum",
    "autocorrelation_length",
    "decompress",
    "fit_nakagami",
    "radial_power_spectrum",
    "speckle_snr",
    "spectrum_slope",
]


class NakagamiFit(NamedTuple):
    """Parameters of a Nakagami law: `shape` m (1 is Rayleigh) and `spread` omega, the mean squared envelope."""

    shape: float
    spread: float


class PowerSpectrum(NamedTuple):
    """A radial power spectrum: `frequency` in cycles / pixel, (n,), and mean `power` of each ring, (n,)."""

    frequency: NDArray[np.float64]
    power: NDArray[np.float64]


def decompress(image: ArrayLike, dynamic_range_db: float = 60.0) -> NDArray[np.float64]:
    """Undoes logarithmic compression: intensity in [0, 1] to envelope in (0, 1], any shape.

    Args:
        image: Displayed intensity, 1 is 0 dB and 0 is `-dynamic_range_db`.
        dynamic_range_db: Displayed range in dB.
    """
    return 10.0 ** ((np.asarray(image, dtype=np.float64) - 1.0) * dynamic_range_db / 20.0)


def speckle_snr(envelope: ArrayLike) -> float:
    """Mean over standard deviation of envelope samples (any shape); 1.91 for fully developed speckle."""
    x = np.asarray(envelope, dtype=np.float64)
    deviation = float(x.std()) if x.size else 0.0
    if deviation == 0.0:
        raise ValueError(f"a speckle SNR needs samples that differ, received {x.size} equal samples")
    return float(x.mean()) / deviation


def fit_nakagami(envelope: ArrayLike) -> NakagamiFit:
    """Fits a Nakagami law to positive envelope samples (any shape) by maximum likelihood."""
    power = np.square(np.asarray(envelope, dtype=np.float64))
    fit = fit_gamma(power, floor=0.0)
    return NakagamiFit(fit.concentration, float(power.mean()))


def autocorrelation_length(image: ArrayLike, mask: ArrayLike, axis: int, spacing: float = 1.0) -> float:
    """Full width at half maximum of the autocovariance along one axis, using only pixels inside a mask.

    Each lag averages the pairs that both lie in the mask, so the width does not depend on the mask's outline. The
    half level is found by linear interpolation between lags.

    Args:
        image: (X, Y).
        mask: (X, Y), boolean.
        axis: 0 is lateral, 1 is axial.
        spacing: Size of a pixel along `axis`, in mm.

    Returns:
        The width in units of `spacing`; NaN if the covariance never falls to half (a flat or tiny region).
    """
    inside = np.asarray(mask, dtype=bool)
    values = np.asarray(image, dtype=np.float64)
    if not inside.any():
        return float("nan")
    centered = np.where(inside, values - values[inside].mean(), 0.0)
    size = 2 * inside.shape[axis]
    covariance = _line_correlation(centered, axis, size)
    pairs = _line_correlation(inside.astype(np.float64), axis, size)
    lags = int(np.argmax(pairs < max(8.0, 0.02 * pairs[0]))) or len(pairs)
    curve = covariance[:lags] / np.maximum(pairs[:lags], 1.0)
    if curve[0] <= 0 or not (curve < 0.5 * curve[0]).any():
        return float("nan")
    curve = curve / curve[0]
    below = int(np.argmax(curve < 0.5))
    lag = below - 1 + (curve[below - 1] - 0.5) / (curve[below - 1] - curve[below])
    return float(2.0 * lag * spacing)


def radial_power_spectrum(image: ArrayLike, mask: ArrayLike, bins: int = 48) -> PowerSpectrum:
    """Averages the power spectrum over rings of equal spatial frequency.

    The mean inside the mask is removed and a separable Hann window is applied, which limits leakage from the border.

    Args:
        image: (X, Y).
        mask: (X, Y), boolean; pixels outside count as the mean.
        bins: Number of rings up to the Nyquist frequency 0.5; empty rings are left out.

    Raises:
        ValueError: If the mask is empty.
    """
    inside = np.asarray(mask, dtype=bool)
    if not inside.any():
        raise ValueError("a power spectrum needs at least one pixel inside the mask, received none")
    values = np.asarray(image, dtype=np.float64)
    centered = np.where(inside, values - values[inside].mean(), 0.0)
    window = np.hanning(inside.shape[0])[:, None] * np.hanning(inside.shape[1])[None, :]
    power = np.abs(np.fft.fft2(centered * window)) ** 2 / max(float(np.square(window)[inside].sum()), 1e-12)
    radius = np.hypot(np.fft.fftfreq(inside.shape[0])[:, None], np.fft.fftfreq(inside.shape[1])[None, :])
    ring = np.minimum((radius / 0.5 * bins).astype(int), bins)
    counts = np.bincount(ring.ravel(), minlength=bins + 1)[:bins]
    sums = np.bincount(ring.ravel(), weights=power.ravel(), minlength=bins + 1)[:bins]
    radii = np.bincount(ring.ravel(), weights=radius.ravel(), minlength=bins + 1)[:bins]
    kept = counts > 0
    return PowerSpectrum(radii[kept] / counts[kept], sums[kept] / counts[kept])


def spectrum_slope(spectrum: PowerSpectrum, low: float = 0.05, high: float = 0.4) -> float:
    """Slope of log power over log frequency between `low` and `high` cycles / pixel; -a for noise of power 1 / f^a."""
    kept = (spectrum.frequency >= low) & (spectrum.frequency <= high) & (spectrum.power > 0)
    if kept.sum() < 3:
        raise ValueError(f"a slope needs at least 3 rings between {low} and {high}, received {int(kept.sum())}")
    return float(np.polyfit(np.log(spectrum.frequency[kept]), np.log(spectrum.power[kept]), 1)[0])


def _line_correlation(values: NDArray[np.float64], axis: int, size: int) -> NDArray[np.float64]:
    """Sum over all lines of the linear autocorrelation along `axis`, for lags 0 .. n-1."""
    spectrum = np.abs(np.fft.rfft(values, n=size, axis=axis)) ** 2
    correlation = np.moveaxis(np.fft.irfft(spectrum, n=size, axis=axis), axis, 0)
    return np.asarray(correlation.reshape(size, -1).sum(axis=1)[: values.shape[axis]])
