"""The Gamma fit recovers known parameters; histograms integrate to one and measure shifts."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from monai_echosynth.metrics.intensity import (
    GammaFit,
    fit_gamma,
    gamma_density,
    histogram_distance,
    intensity_histogram,
)


@pytest.mark.parametrize("law", [GammaFit(3.75, 10.8), GammaFit(0.7, 2.0), GammaFit(40.0, 90.0)])
def test_gamma_fit_recovers_parameters(law: GammaFit) -> None:
    sample = np.random.default_rng(0).gamma(law.concentration, 1.0 / law.rate, 200_000)
    fit = fit_gamma(sample, floor=0.0)
    assert fit.concentration == pytest.approx(law.concentration, rel=0.015)
    assert fit.rate == pytest.approx(law.rate, rel=0.015)


def test_gamma_fit_agrees_with_scipy() -> None:
    sample = np.random.default_rng(1).gamma(2.0, 0.1, 2000)
    fit = fit_gamma(sample, floor=0.0)
    shape, _, scale = stats.gamma.fit(sample, floc=0)
    assert fit.concentration == pytest.approx(shape, rel=1e-4)
    assert 1.0 / fit.rate == pytest.approx(scale, rel=1e-4)


def test_gamma_fit_survives_black_pixels() -> None:
    sample = np.concatenate([np.zeros(50), np.random.default_rng(2).gamma(3.75, 1 / 10.8, 5000)])
    assert 1.5 < fit_gamma(sample).concentration < 3.75


@pytest.mark.parametrize("values", [[], [0.5], [0.5, 0.5, 0.5], [0.1, float("nan")]])
def test_gamma_fit_refuses_degenerate_values(values: list[float]) -> None:
    with pytest.raises(ValueError, match="Gamma fit needs"):
        fit_gamma(values)


def test_density_and_histogram_integrate_to_one() -> None:
    x = np.linspace(0.0, 5.0, 20_001)
    assert np.trapezoid(gamma_density(x, GammaFit(3.75, 10.8)), x) == pytest.approx(1.0, abs=1e-4)
    histogram = intensity_histogram(np.random.default_rng(3).random(1000), bins=16)
    assert np.sum(histogram.density * np.diff(histogram.edges)) == pytest.approx(1.0)


def test_distance_of_a_shift_is_the_shift() -> None:
    sample = np.random.default_rng(4).uniform(0.2, 0.4, 20_000)
    near, far = intensity_histogram(sample), intensity_histogram(sample + 0.25)
    assert histogram_distance(near, near) == 0.0
    assert histogram_distance(near, far) == pytest.approx(0.25, abs=0.002)


def test_histogram_refuses_nothing() -> None:
    with pytest.raises(ValueError, match="at least one in-sector pixel"):
        intensity_histogram([])
