"""Speckle physics: Rayleigh statistics, power conservation and a beam that spreads with range."""

from __future__ import annotations

import numpy as np
import pytest

from monai_echosynth.data.phantom.geometry import PolarGrid, ScanGeometry
from monai_echosynth.data.phantom.speckle import beam_width, beamform, complex_noise

BEAMS = ScanGeometry(75.0, 150.0).polar(320, 1024)
ANGULAR = 0.01


def _lateral_width(field: np.ndarray, beams: PolarGrid, low: float, high: float) -> float:
    """Beam standard deviation in mm from the lag-one-to-eight autocorrelation exp(-lag^2 / (4 s^2)) of the field."""
    rows = np.flatnonzero((beams.r[0] > low) & (beams.r[0] < high))
    patch = field[:, rows]
    lag = 3
    correlation = np.abs(np.mean(patch[lag:] * patch[:-lag].conj())) / np.mean(np.abs(patch) ** 2)
    step = beams.beam_step * float(beams.r[0, rows].mean())
    return float(lag * step / np.sqrt(-4.0 * np.log(correlation)))


@pytest.fixture(scope="module")
def speckle() -> np.ndarray:
    """Beamformed uniform tissue."""
    noise = complex_noise(BEAMS.shape, np.random.default_rng(0))
    return beamform(noise, BEAMS, 0.4, beam_width(BEAMS.r, ANGULAR, 0.0, 80.0))


def test_envelope_of_fully_developed_speckle_is_rayleigh(speckle: np.ndarray) -> None:
    envelope = np.abs(speckle)
    assert envelope.mean() / envelope.std() == pytest.approx(np.sqrt(np.pi / (4.0 - np.pi)), rel=0.03)
    intensity = envelope**2
    for level in (0.5, 1.0, 2.0):
        assert (intensity > level * intensity.mean()).mean() == pytest.approx(np.exp(-level), abs=0.015)


def test_beamforming_keeps_the_mean_power_at_every_range(speckle: np.ndarray) -> None:
    power = (np.abs(speckle) ** 2).reshape(320, 4, 256).mean(axis=(0, 2))
    assert power == pytest.approx(np.ones(4), rel=0.12)


def test_lateral_width_grows_with_range_as_diffraction_says(speckle: np.ndarray) -> None:
    near, far = _lateral_width(speckle, BEAMS, 35.0, 45.0), _lateral_width(speckle, BEAMS, 115.0, 125.0)
    assert near == pytest.approx(ANGULAR * 40.0, rel=0.12)
    assert far == pytest.approx(ANGULAR * 120.0, rel=0.12)


def test_axial_width_is_the_pulse(speckle: np.ndarray) -> None:
    lag = 3
    correlation = np.abs(np.mean(speckle[:, lag:] * speckle[:, :-lag].conj())) / np.mean(np.abs(speckle) ** 2)
    width = lag * BEAMS.range_step / np.sqrt(-4.0 * np.log(correlation))
    assert width == pytest.approx(0.4, rel=0.05)


def test_beam_is_narrowest_in_angle_at_the_focus() -> None:
    r = np.array([20.0, 80.0, 140.0])
    assert beam_width(r, 0.01, 2.0, 80.0)[1] == pytest.approx(0.8)
    assert beam_width(r, 0.01, 2.0, 80.0)[0] > beam_width(r, 0.01, 0.0, 80.0)[0]
