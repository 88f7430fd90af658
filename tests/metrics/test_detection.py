"""Rates at few false alarms, and the guarantee of a control threshold."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from monai_echosynth.metrics.detection import bootstrap_tpr, control_threshold, robust_scale, tpr_at_fpr


def test_hand_counted_rates() -> None:
    negative = np.arange(100.0)  # at 1 % one negative may pass: those above 98 count
    assert tpr_at_fpr([98.0, 98.5, 200.0, 1.0], negative) == 0.5
    assert tpr_at_fpr([98.5, 99.0, 99.5], negative, fpr=0.0) == pytest.approx(1 / 3)
    assert tpr_at_fpr([5.0], [5.0]) == 0.0


def test_the_rate_of_two_normal_laws_has_a_closed_form() -> None:
    rng = np.random.default_rng(0)
    found = tpr_at_fpr(rng.normal(1.0, 1.0, 100_000), rng.normal(size=100_000), 0.01)
    assert found == pytest.approx(stats.norm.sf(stats.norm.isf(0.01) - 1.0), abs=0.005)


def test_the_interval_is_over_groups() -> None:
    rng = np.random.default_rng(1)
    positive, negative = rng.normal(1.0, 1.0, 300), rng.normal(size=300)
    single = bootstrap_tpr(positive, negative, [str(i) for i in range(300)], [str(i) for i in range(300)], draws=200)
    assert single.low < single.mean < single.high
    twice = [np.repeat(part, 2) for part in (positive, negative)]
    names = [str(i // 2) for i in range(600)]
    assert bootstrap_tpr(*twice, names, names, draws=200).mean == pytest.approx(single.mean, abs=0.02)


def test_new_cases_of_the_law_of_the_control_rarely_pass() -> None:
    rng = np.random.default_rng(2)
    draws = rng.standard_t(2, size=(2000, 51))  # heavy tails
    alarms = [row[-1] > control_threshold(row[:-1], 0.1).value for row in draws]
    assert np.mean(alarms) == pytest.approx(control_threshold(draws[0, :-1], 0.1).bound, abs=0.02)


def test_few_controls_set_the_largest_as_threshold() -> None:
    found = control_threshold([1.0, 3.0, 2.0], 0.05)
    assert found == (3.0, 0.25)
    assert control_threshold(np.arange(99.0), 0.05) == (94.0, 0.05)


def test_the_scale_ignores_outliers_and_has_a_floor() -> None:
    center, scale = robust_scale([*np.random.default_rng(0).normal(5.0, 2.0, 1001), 1e9, 1e9])
    assert center == pytest.approx(5.0, abs=0.2) and scale == pytest.approx(2.0, abs=0.2)
    assert robust_scale([1.0, 1.0]) == (1.0, 1e-3)


def test_bad_scores_are_refused() -> None:
    for positive, negative in (([], [1.0]), ([1.0], []), ([np.nan], [1.0])):
        with pytest.raises(ValueError, match="both classes"):
            tpr_at_fpr(positive, negative)
    with pytest.raises(ValueError, match=r"\[0, 1\)"):
        tpr_at_fpr([1.0], [1.0], 1.0)
    for control in ([], [np.nan, 1.0]):
        with pytest.raises(ValueError, match="control scores"):
            control_threshold(control)
    with pytest.raises(ValueError, match="between 0 and 1"):
        control_threshold([1.0], 0.0)
