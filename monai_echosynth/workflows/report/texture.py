"""Gray-level and speckle statistics of a set of frames, the numbers behind the intensity and speckle sections."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from monai_echosynth.metrics.intensity import GammaFit, IntensityHistogram, fit_gamma, intensity_histogram
from monai_echosynth.metrics.speckle import (
    PowerSpectrum,
    autocorrelation_length,
    decompress,
    fit_nakagami,
    radial_power_spectrum,
    speckle_snr,
    spectrum_slope,
)
from monai_echosynth.workflows.report.frame_io import Frame, read_frame

__all__ = ["DYNAMIC_RANGE_DB", "Texture", "measure_texture"]

FRAMES = 48
"""Frames measured a set, spread evenly over it."""

DYNAMIC_RANGE_DB = 60.0
"""Display range assumed when the envelope is recovered from gray levels."""

DETREND_PX = 6.0
"""Standard deviation of the local mean that is taken off before the grain is measured."""


class Texture(NamedTuple):
    """Statistics of a set.

    Attributes:
        frames: Number of frames measured.
        histogram: In-sector gray levels of all of them.
        gamma: Gamma fit to the in-sector gray levels.
        spectrum: Power spectrum, averaged over frames.
        measures: Name -> one value a frame; NaN where it could not be measured.
    """

    frames: int
    histogram: IntensityHistogram
    gamma: GammaFit
    spectrum: PowerSpectrum
    measures: dict[str, NDArray[np.float64]]


def measure_texture(entries: Sequence[dict[str, Any]]) -> Texture | None:
    """Measures up to `FRAMES` frames of a data list; None if none has a sector."""
    chosen = [entries[i] for i in np.unique(np.linspace(0, len(entries) - 1, FRAMES).astype(int))] if entries else []
    frames = [frame for frame in map(read_frame, chosen) if (frame.label > 0).sum() > 64]
    if not frames:
        return None
    inside = np.concatenate([frame.image[frame.label > 0] for frame in frames])
    spectra = [radial_power_spectrum(frame.image, frame.label > 0) for frame in frames]
    rows = [_measure(frame, spectrum) for frame, spectrum in zip(frames, spectra, strict=True)]
    size = min(len(spectrum.power) for spectrum in spectra)
    power = np.mean([spectrum.power[:size] for spectrum in spectra], axis=0)
    return Texture(
        len(frames),
        intensity_histogram(inside),
        fit_gamma(inside),
        PowerSpectrum(spectra[0].frequency[:size], power),
        {name: np.array([row[name] for row in rows]) for name in rows[0]},
    )


def _measure(frame: Frame, spectrum: PowerSpectrum) -> dict[str, float]:
    muscle, sector = frame.label == 2, frame.label > 0
    found = {
        "Mean gray level in sector": float(frame.image[sector].mean()),
        "Speckle SNR, myocardium": float("nan"),
        "Nakagami m, myocardium": float("nan"),
    }
    envelope = decompress(frame.image[muscle], DYNAMIC_RANGE_DB)
    if envelope.size > 32 and envelope.std() > 0:
        found["Speckle SNR, myocardium"] = speckle_snr(envelope)
        found["Nakagami m, myocardium"] = fit_nakagami(envelope).shape
    grain = _detrended(frame.image.astype(np.float64), sector)
    found["Axial grain, mm"] = autocorrelation_length(grain, sector, axis=1, spacing=frame.spacing[1])
    found["Lateral grain, mm"] = autocorrelation_length(grain, sector, axis=0, spacing=frame.spacing[0])
    found["Spectrum slope"] = spectrum_slope(spectrum)
    return found


def _detrended(image: NDArray[np.float64], sector: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Image minus its local mean over in-sector neighbors."""
    weight = ndimage.gaussian_filter(sector.astype(np.float64), DETREND_PX)
    local = ndimage.gaussian_filter(np.where(sector, image, 0.0), DETREND_PX) / np.maximum(weight, 1e-6)
    return np.where(sector, image - local, 0.0)
