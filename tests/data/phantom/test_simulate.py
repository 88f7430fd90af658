"""Simulated frames: sector, contrast, styles and the intensity law."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from monai_echosynth.data.phantom import PatientPlan, PhantomFrame, Phase, StyleName, View, plan_patient, render
from monai_echosynth.data.phantom.geometry import ScanGeometry
from monai_echosynth.data.phantom.styles import STYLES


def _sector(plan: PatientPlan, frame: PhantomFrame) -> np.ndarray:
    geometry = ScanGeometry(STYLES[plan.style].opening, plan.depth)
    grid = geometry.cartesian(frame.image.shape[0])
    return geometry.inside(grid.x, grid.y)


@pytest.fixture(scope="module")
def population() -> list[tuple[PatientPlan, PhantomFrame]]:
    """Frames of twelve patients on the median machine."""
    plans = [replace(plan_patient(3, index), style=StyleName.MEDIAN) for index in range(1, 13)]
    return [(plan, render(3, plan, view, Phase.ED)) for plan in plans for view in View]


def test_arrays_are_lateral_by_depth_with_the_probe_on_top(population: list[tuple[PatientPlan, PhantomFrame]]) -> None:
    for plan, frame in population:
        assert frame.image.dtype == frame.label.dtype == np.uint8
        assert frame.image.shape == frame.label.shape == (256, 210)
        assert frame.spacing_mm * 210 == pytest.approx(plan.depth, rel=0.01)
        assert np.flatnonzero(frame.image[:, 3]).size < np.flatnonzero(frame.image[:, 100]).size


def test_outside_the_sector_is_exactly_zero(population: list[tuple[PatientPlan, PhantomFrame]]) -> None:
    for plan, frame in population:
        outside = ~_sector(plan, frame)
        assert not frame.image[outside].any() and not frame.label[outside].any()
        assert (frame.image[~outside] > 0).mean() > 0.97


def test_cavity_is_darker_than_muscle(population: list[tuple[PatientPlan, PhantomFrame]]) -> None:
    contrast = [float(f.image[f.label == 2].mean()) - float(f.image[f.label == 1].mean()) for _, f in population]
    assert min(contrast) > 8.0
    assert np.std(contrast) > 5.0


def test_gray_levels_follow_the_gamma_law(population: list[tuple[PatientPlan, PhantomFrame]]) -> None:
    gray = np.concatenate([frame.image[_sector(plan, frame)] for plan, frame in population]) / 255.0
    assert gray.mean() == pytest.approx(0.347, abs=0.04)
    assert gray.std() == pytest.approx(0.179, abs=0.04)
    quantiles = (0.05, 0.25, 0.5, 0.75, 0.95)
    assert np.quantile(gray, quantiles) == pytest.approx(stats.gamma(3.75, scale=1 / 10.8).ppf(quantiles), abs=0.07)


def test_styles_differ() -> None:
    plan = plan_patient(0, 1)
    frames = {style: render(0, replace(plan, style=style), View.FOUR_CHAMBER, Phase.ED) for style in StyleName}
    assert len({frame.image.tobytes() for frame in frames.values()}) == len(StyleName) >= 3
    crisp, hazy = frames[StyleName.CRISP].image, frames[StyleName.HAZY].image
    assert crisp[crisp > 0].std() > 1.1 * hazy[hazy > 0].std()


def test_frame_depends_on_its_names_only() -> None:
    plan = plan_patient(5, 2)
    first = render(5, plan, View.TWO_CHAMBER, Phase.ES)
    render(5, plan_patient(5, 1), View.FOUR_CHAMBER, Phase.ED)
    again = render(5, plan_patient(5, 2), View.TWO_CHAMBER, Phase.ES)
    assert np.array_equal(first.image, again.image) and np.array_equal(first.label, again.label)
    other = render(6, plan_patient(6, 2), View.TWO_CHAMBER, Phase.ES)
    assert not np.array_equal(first.image, other.image[:256, : first.image.shape[1]])
    assert plan_patient(5, 2) != plan_patient(5, 3)


def test_width_sets_the_picture_size() -> None:
    frame = render(0, plan_patient(0, 1), View.TWO_CHAMBER, Phase.ED, width=96)
    assert frame.image.shape[0] == 96
