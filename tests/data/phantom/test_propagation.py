"""Propagation and display: slopes are recovered from simulated echoes, gain does what it promises."""

from __future__ import annotations

import numpy as np
import pytest

from monai_echosynth.data.phantom import display
from monai_echosynth.data.phantom.echogenicity import specular_amplitude
from monai_echosynth.data.phantom.geometry import ScanGeometry
from monai_echosynth.data.phantom.propagation import attenuation_db, clutter, drop_out_db, shadow_db, tgc_db
from monai_echosynth.data.phantom.speckle import beamform, complex_noise

BEAMS = ScanGeometry(75.0, 150.0).polar(160, 512)


@pytest.mark.parametrize(("coefficient", "frequency"), [(0.5, 2.0), (0.3, 3.5)])
def test_attenuation_slope_is_recovered_from_echoes(coefficient: float, frequency: float) -> None:
    loss = attenuation_db(np.full((1, 1), coefficient), BEAMS, frequency)
    echo = beamform(complex_noise(BEAMS.shape, np.random.default_rng(1)), BEAMS, 0.4, 0.01 * BEAMS.r)
    power = np.mean(np.abs(echo * 10.0 ** (-loss / 20.0)) ** 2, axis=0)
    slope = np.polyfit(BEAMS.r[0] / 10.0, 10.0 * np.log10(power), 1)[0]
    assert slope == pytest.approx(-2.0 * coefficient * frequency, rel=0.03)


def test_perfect_compensation_undoes_uniform_attenuation() -> None:
    loss = attenuation_db(np.full((1, 1), 0.4), BEAMS, 2.0)
    gain = tgc_db(BEAMS, 2.0, 0.4, np.zeros(6))
    assert np.abs(gain - loss).max() < 0.1


def test_losses_are_never_gains() -> None:
    for seed in range(5):
        rng = np.random.default_rng(seed)
        assert shadow_db(BEAMS, rng, 1.0, 1.0).min() >= 0.0
        assert drop_out_db(BEAMS, rng, 9.0).min() >= 0.0
    assert shadow_db(BEAMS, np.random.default_rng(0), 0.0, 0.0).max() == 0.0


def test_near_field_clutter_decays() -> None:
    power = np.abs(clutter(BEAMS, np.random.default_rng(0), -4.0, -40.0, np.zeros(BEAMS.shape))) ** 2
    assert power[:, BEAMS.r[0] < 10.0].mean() > 100.0 * power[:, BEAMS.r[0] > 60.0].mean()


def test_interfaces_across_the_beam_shine_and_along_the_beam_fade() -> None:
    across = np.broadcast_to(np.where(BEAMS.r > 75.0, -10.0, -30.0), BEAMS.shape)
    along = np.broadcast_to(np.where(BEAMS.theta > 0.0, -10.0, -30.0), BEAMS.shape)
    head_on = specular_amplitude(across, BEAMS, 1.0, 0.2)
    grazing = specular_amplitude(along, BEAMS, 1.0, 0.2)
    unweighted = specular_amplitude(along, BEAMS, 1.0, 1.0)
    assert head_on.max() > 0.3
    assert grazing.max() == pytest.approx(0.2 * unweighted.max(), rel=1e-6)


def test_auto_gain_reaches_the_wanted_mean() -> None:
    level = np.random.default_rng(0).normal(-40.0, 12.0, BEAMS.shape)
    gain = display.auto_gain(level, BEAMS.r, 50.0, 1.3, 0.35)
    gray = display.gray_level(level, gain, 50.0, 1.3)
    assert np.average(gray, weights=np.broadcast_to(BEAMS.r, gray.shape)) == pytest.approx(0.35, abs=0.01)


def test_gray_level_maps_the_dynamic_range_to_the_unit_interval() -> None:
    assert display.gray_level(np.array([-60.0, -50.0, -25.0, 0.0, 9.0]), 0.0, 50.0, 1.0) == pytest.approx(
        [0.0, 0.0, 0.5, 1.0, 1.0]
    )
