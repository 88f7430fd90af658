"""Intervals against the closed form of a normal mean, and the properties that make them honest."""

from __future__ import annotations

import numpy as np
import pytest

from monai_echosynth.metrics.bootstrap import bootstrap_mean, bootstrap_paired


def test_interval_of_a_normal_mean() -> None:
    scores = np.random.default_rng(0).normal(0.9, 0.05, 400)
    interval = bootstrap_mean(scores, [f"p{i}" for i in range(400)], draws=4000)
    half = 1.959964 * scores.std() / np.sqrt(400)
    assert interval.mean == pytest.approx(scores.mean(), rel=1e-12)
    assert interval.high - interval.mean == pytest.approx(half, rel=0.05)
    assert interval.mean - interval.low == pytest.approx(half, rel=0.05)


def test_patients_not_frames_are_drawn() -> None:
    per_patient = np.random.default_rng(1).normal(0.9, 0.05, 40)
    scores, patients = np.repeat(per_patient, 10), np.repeat([f"p{i}" for i in range(40)], 10)
    repeated = bootstrap_mean(scores, list(patients))
    assert repeated == pytest.approx(bootstrap_mean(per_patient, [f"p{i}" for i in range(40)]), rel=1e-12)


def test_frames_weigh_equally_and_nan_is_left_out() -> None:
    interval = bootstrap_mean([1.0, 1.0, 1.0, 0.0, float("nan")], ["a", "a", "a", "b", "b"])
    assert interval.mean == pytest.approx(0.75)
    assert (interval.low, interval.high) == (0.0, 1.0)


def test_paired_interval_removes_what_patients_share() -> None:
    rng = np.random.default_rng(2)
    patients = [f"p{i}" for i in range(50)]
    shared = rng.normal(0.85, 0.1, 50)
    real, synthetic = shared + 0.01 + rng.normal(0, 1e-3, 50), shared
    paired = bootstrap_paired(real, synthetic, patients)
    assert paired.low > 0.009
    assert paired.high - paired.low < 0.05 * (bootstrap_mean(real, patients).high - bootstrap_mean(real, patients).low)


def test_same_seed_same_interval_and_order_of_frames_does_not_matter() -> None:
    rng = np.random.default_rng(3)
    scores, patients = rng.random(30), [f"p{i % 10}" for i in range(30)]
    order = rng.permutation(30)
    first = bootstrap_mean(scores, patients, seed=5)
    assert first == pytest.approx(bootstrap_mean(scores[order], [patients[i] for i in order], seed=5), rel=1e-12)
    assert first != bootstrap_mean(scores, patients, seed=6)
    assert first.as_dict() == {"mean": first.mean, "ci95": [first.low, first.high]}


def test_refusals() -> None:
    with pytest.raises(ValueError, match="each score needs its patient"):
        bootstrap_mean([1.0], [])
    with pytest.raises(ValueError, match="at least one defined score"):
        bootstrap_mean([float("nan")], ["a"])
    with pytest.raises(ValueError, match="draws >= 1"):
        bootstrap_mean([1.0], ["a"], draws=0)
    with pytest.raises(ValueError, match="same frames"):
        bootstrap_paired([1.0], [1.0, 2.0], ["a"])
