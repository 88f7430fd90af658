"""Statistics of sets against closed forms, and gaps that follow a blur."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from monai_echosynth.metrics.domain_gap import TEXTURE_GAPS, grain_gap, log_ratio, median, sharpness_gap, speckle_gap
from monai_echosynth.metrics.domain_statistics import TextureStatistics, measure_frames
from monai_echosynth.metrics.grain import detrended, grain
from monai_echosynth.metrics.speckle_law import DYNAMIC_RANGE_DB, speckle_law
from tests.helpers.speckle_frames import speckle_frames

NAMES = {1: "cavity", 2: "wall"}


def measured(**options: float) -> TextureStatistics:
    return measure_frames(speckle_frames(**options), NAMES, rest=3)  # type: ignore[arg-type]


def test_rayleigh_speckle_has_m_1_and_snr_1_91() -> None:
    envelope = np.random.default_rng(0).rayleigh(0.02, 100_000)
    law = speckle_law(1.0 + 20.0 * np.log10(np.maximum(envelope, 1e-3)) / DYNAMIC_RANGE_DB)
    assert law.nakagami_m == pytest.approx(1.0, rel=0.02)
    assert law.snr == pytest.approx(np.sqrt(np.pi / (4.0 - np.pi)), rel=0.02)


def test_gamma_law_of_the_gray_levels() -> None:
    law = speckle_law(np.random.default_rng(1).gamma(3.75, 1 / 30.0, 100_000))
    assert law.concentration == pytest.approx(3.75, rel=0.02) and law.rate == pytest.approx(30.0, rel=0.02)


@pytest.mark.parametrize("gray", [np.zeros(100), np.full(100, 0.1), np.arange(20) / 20, np.linspace(0, 1e-3, 100)])
def test_a_flat_or_tiny_region_has_no_law(gray: np.ndarray) -> None:
    assert np.isnan(speckle_law(gray)).all()


def test_grain_is_that_of_the_kernel_whatever_the_trend() -> None:
    noise = np.random.default_rng(2).normal(size=(256, 256))
    texture = ndimage.gaussian_filter(noise, (1.5, 1.0))
    slow = np.linspace(0.0, 5.0, 256)[:, None]
    inside = np.ones((256, 256), bool)
    found = grain(texture / texture.std() + slow, inside, (0.5, 0.3))
    width = 4.0 * np.sqrt(np.log(2.0))
    assert found.lateral == pytest.approx(1.5 * width * 0.5, rel=0.1)
    assert found.axial == pytest.approx(1.0 * width * 0.3, rel=0.1)
    assert abs(detrended(np.broadcast_to(slow, (256, 256)), inside)[30:-30]).max() < 0.01


def test_gaps_are_zero_for_a_set_and_itself() -> None:
    real = measured()
    assert [TEXTURE_GAPS[name](real, real).value for name in TEXTURE_GAPS] == [0.0] * 5


def test_gaps_grow_with_blur_and_point_the_right_way() -> None:
    real = measured()
    blurred = [measured(blur=blur, seed=1) for blur in (0.0, 0.6, 1.2, 2.4)]
    for name, function in TEXTURE_GAPS.items():
        values = [function(real, other).value for other in blurred]
        assert values == sorted(values), name
        assert values[-1] > 3.0 * values[0], name
    coarse = grain_gap(real, blurred[-1]).details["mm"]
    assert all(pair["synthetic"] > pair["real"] for pair in coarse.values())
    soft = sharpness_gap(real, blurred[-1]).details["gray_levels_per_mm"]
    assert set(soft) == {"cavity|wall", "wall|sector"}
    assert all(pair["synthetic"] < pair["real"] for pair in soft.values())
    assert np.median(blurred[-1].gradient) < np.median(real.gradient)


def test_a_structure_that_one_set_lacks_is_left_out_with_a_note() -> None:
    gap = speckle_gap(measured(), measured(drop=1))
    assert np.isfinite(gap.value) and gap.details["structures"]["wall"]["snr"]["real"] > 0
    assert any("cavity" in note and "synthetic set" in note for note in gap.notes)
    borders = sharpness_gap(measured(), measured(drop=1))
    assert np.isfinite(borders.value) and any("cavity|wall" in note for note in borders.notes)


def test_medians_ignore_nan_and_need_four_frames() -> None:
    assert median([1.0, np.nan, 3.0, 2.0, 9.0]) == 2.5
    assert np.isnan(median([1.0, 2.0, 3.0, np.nan]))


def test_log_ratio_is_symmetric_and_needs_positive_values() -> None:
    assert log_ratio(1.0, np.e) == log_ratio(np.e, 1.0) == pytest.approx(1.0)
    assert np.isnan([log_ratio(0.0, 1.0), log_ratio(float("nan"), 1.0), log_ratio(1.0, -1.0)]).all()


def test_statistics_need_frames() -> None:
    with pytest.raises(ValueError, match="at least one frame"):
        measure_frames([], NAMES, 3)
