"""Gradients and border sharpness of ramps and blurred steps against closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage, special

from monai_echosynth.metrics.gradients import QUANTILES, image_gradient, magnitude_quantiles, quantile_distance
from monai_echosynth.metrics.sharpness import WINDOW_MM, border_sharpness


def blurred_step(sd: float, spacing: float, height: float = 0.5, shift: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Image and label of an edge at x = 0, blurred by a Gaussian of `sd` mm; the label's edge may lie beside it."""
    x = (np.arange(200) - 99.5)[:, None] * spacing * np.ones((1, 60))
    image = 0.2 + 0.5 * height * (1.0 + special.erf(x / (sd * np.sqrt(2.0))))
    return image, np.where(x > shift, 2, 1)


@pytest.mark.parametrize("sd", [0.5, 1.0, 2.0])
def test_sharpness_of_a_blurred_step(sd: float) -> None:
    image, label = blurred_step(sd, 0.1)
    gradient = image_gradient(image, np.ones(image.shape, bool), (0.1, 0.1))
    expected = 0.5 * 255 * special.erf(WINDOW_MM / (sd * np.sqrt(2.0))) / (2.0 * WINDOW_MM)
    assert border_sharpness(gradient, label, (1, 2), (0.1, 0.1)) == pytest.approx(expected, rel=0.03)


def test_sharpness_needs_no_exact_outline_and_no_direction() -> None:
    values = []
    for shift, flip in ((0.0, False), (0.75, False), (0.0, True)):
        image, label = blurred_step(0.8, 0.1, shift=shift)
        if flip:
            image, label = image.T, label.T
        gradient = image_gradient(image, np.ones(image.shape, bool), (0.1, 0.1))
        values.append(border_sharpness(gradient, label, (1, 2), (0.1, 0.1)))
    assert values == pytest.approx([values[0]] * 3, rel=0.03)


def test_sharpness_is_in_mm_on_an_anisotropic_grid() -> None:
    angle = np.deg2rad(35.0)
    x, y = np.meshgrid(0.1 * np.arange(240), 0.2 * np.arange(120), indexing="ij")
    across = (x - 12.0) * np.cos(angle) + (y - 12.0) * np.sin(angle)
    image, label = 0.5 * (1.0 + special.erf(across / np.sqrt(2.0))), np.where(across > 0, 1, 4)
    gradient = image_gradient(image, np.ones(image.shape, bool), (0.1, 0.2))
    expected = 255 * special.erf(WINDOW_MM / np.sqrt(2.0)) / (2.0 * WINDOW_MM)
    assert border_sharpness(gradient, label, (1, 4), (0.1, 0.2)) == pytest.approx(expected, rel=0.05)


def test_speckle_alone_is_not_sharp() -> None:
    noise = ndimage.gaussian_filter(np.random.default_rng(0).normal(size=(200, 200)), 2.0)
    image, label = 0.5 + 0.1 * noise / noise.std(), np.where(np.arange(200) < 100, 1, 2)[:, None] * np.ones((1, 200))
    gradient = image_gradient(image, np.ones(image.shape, bool), (0.5, 0.5))
    assert border_sharpness(gradient, label, (1, 2), (0.5, 0.5)) < 0.15 * np.abs(gradient.x).mean() * 2.0


def test_a_border_that_is_not_there_is_nan() -> None:
    image, label = blurred_step(1.0, 0.5)
    gradient = image_gradient(image, np.ones(image.shape, bool), (0.5, 0.5))
    assert np.isnan(border_sharpness(gradient, label, (1, 3), (0.5, 0.5)))
    nowhere = image_gradient(image, np.zeros(image.shape, bool), (0.5, 0.5))
    assert np.isnan(border_sharpness(nowhere, label, (1, 2), (0.5, 0.5)))


def test_gradient_of_a_ramp_is_in_gray_levels_per_mm() -> None:
    x, y = np.meshgrid(0.5 * np.arange(20), 0.25 * np.arange(30), indexing="ij")
    sector = np.ones((20, 30), bool)
    sector[:5] = False
    found = image_gradient((3.0 * x + 4.0 * y) / 255.0, sector, (0.5, 0.25))
    np.testing.assert_allclose(found.magnitudes, 5.0)
    assert found.valid.sum() == 13 * 28  # a pixel less on every side


def test_quantile_distance_is_the_shift_and_the_scale() -> None:
    values = np.random.default_rng(0).exponential(size=50_000)
    base = magnitude_quantiles([values])
    assert base.shape == (QUANTILES,)
    assert quantile_distance(base, magnitude_quantiles([values + 0.3])) == pytest.approx(0.3)
    assert quantile_distance(base, magnitude_quantiles([2.0 * values])) == pytest.approx(1.0, rel=0.02)
    with pytest.raises(ValueError, match="at least one pixel"):
        magnitude_quantiles([])
