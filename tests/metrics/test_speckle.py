"""Speckle statistics against closed forms: Rayleigh, Nakagami, Gaussian grain, 1/f^a noise."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from monai_echosynth.metrics.speckle import (
    autocorrelation_length,
    decompress,
    fit_nakagami,
    radial_power_spectrum,
    speckle_snr,
    spectrum_slope,
)


def test_rayleigh_snr_is_1_91() -> None:
    envelope = np.random.default_rng(0).rayleigh(2.0, 200_000)
    assert speckle_snr(envelope) == pytest.approx(np.sqrt(np.pi / (4.0 - np.pi)), rel=0.01)


def test_snr_refuses_a_constant() -> None:
    with pytest.raises(ValueError, match="samples that differ"):
        speckle_snr(np.ones(5))


def test_nakagami_of_rayleigh_has_shape_one() -> None:
    fit = fit_nakagami(np.random.default_rng(1).rayleigh(0.3, 200_000))
    assert fit.shape == pytest.approx(1.0, rel=0.01)
    assert fit.spread == pytest.approx(2 * 0.3**2, rel=0.01)


@pytest.mark.parametrize("shape", [0.5, 2.5])
def test_nakagami_recovers_its_shape(shape: float) -> None:
    envelope = np.sqrt(np.random.default_rng(2).gamma(shape, 1.0 / shape, 200_000))
    assert fit_nakagami(envelope).shape == pytest.approx(shape, rel=0.02)


def test_decompress_inverts_log_compression() -> None:
    envelope = np.array([1.0, 0.1, 0.001])
    compressed = 1.0 + 20.0 * np.log10(envelope) / 60.0
    np.testing.assert_allclose(decompress(compressed), envelope, rtol=1e-12)


def test_autocorrelation_length_of_a_gaussian_kernel() -> None:
    noise = np.random.default_rng(3).standard_normal((512, 512))
    image = ndimage.gaussian_filter(noise, (4.0, 2.0), mode="wrap")
    columns, rows = np.mgrid[:512, :512]
    mask = (columns - 256) ** 2 + (rows - 256) ** 2 < 220**2
    width = 4.0 * np.sqrt(np.log(2.0))
    assert autocorrelation_length(image, mask, axis=0, spacing=0.5) == pytest.approx(4.0 * width * 0.5, rel=0.05)
    assert autocorrelation_length(image, mask, axis=1) == pytest.approx(2.0 * width, rel=0.05)


def test_autocorrelation_length_of_nothing_is_nan() -> None:
    image = np.ones((16, 16))
    assert np.isnan(autocorrelation_length(image, np.zeros((16, 16), bool), axis=0))
    assert np.isnan(autocorrelation_length(image, np.ones((16, 16), bool), axis=1))


@pytest.mark.parametrize("exponent", [0.0, 1.0, 2.5])
def test_slope_of_power_law_noise(exponent: float) -> None:
    size = 256
    radius = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.fftfreq(size)[None, :])
    radius[0, 0] = 1.0
    white = np.fft.fft2(np.random.default_rng(4).standard_normal((size, size)))
    image = np.fft.ifft2(white * radius ** (-exponent / 2)).real
    spectrum = radial_power_spectrum(image, np.ones((size, size), bool))
    assert spectrum_slope(spectrum) == pytest.approx(-exponent, abs=0.12)


def test_white_noise_power_is_its_variance() -> None:
    image = 3.0 * np.random.default_rng(5).standard_normal((128, 128))
    power = radial_power_spectrum(image, np.ones((128, 128), bool)).power
    assert power[5:].mean() == pytest.approx(9.0, rel=0.05)


def test_spectrum_needs_pixels_and_rings() -> None:
    with pytest.raises(ValueError, match="inside the mask"):
        radial_power_spectrum(np.ones((8, 8)), np.zeros((8, 8), bool))
    spectrum = radial_power_spectrum(np.eye(8), np.ones((8, 8), bool), bins=4)
    with pytest.raises(ValueError, match="at least 3 rings"):
        spectrum_slope(spectrum, low=0.45)
