"""Gray-level and speckle statistics of a set of frames, the numbers behind the intensity and speckle sections."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from monai_echosynth.metrics.grain import grain
from monai_echosynth.metrics.intensity import GammaFit, IntensityHistogram, fit_gamma, intensity_histogram
from monai_echosynth.metrics.speckle import PowerSpectrum, radial_power_spectrum, spectrum_slope
from monai_echosynth.metrics.speckle_law import speckle_law
from monai_echosynth.workflows.report.frame_io import Frame, read_frame

__all__ = ["Texture", "measure_texture"]

FRAMES = 48
"""Frames measured a set, spread evenly over it."""


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
    law = speckle_law(frame.image[muscle])
    size = grain(frame.image, sector, frame.spacing)
    return {
        "Mean gray level in sector": float(frame.image[sector].mean()),
        "Speckle SNR, myocardium": law.snr,
        "Nakagami m, myocardium": law.nakagami_m,
        "Axial grain, mm": size.axial,
        "Lateral grain, mm": size.lateral,
        "Spectrum slope": spectrum_slope(spectrum),
    }
