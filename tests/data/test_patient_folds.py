"""Folds keep patients together and classes in balance."""

from __future__ import annotations

import numpy as np
import pytest

from monai_echosynth.data.patient_folds import two_folds
from monai_echosynth.errors import EchoSynthError


@pytest.mark.parametrize("seed", range(5))
def test_no_patient_is_on_both_sides_and_classes_are_balanced(seed: int) -> None:
    rng = np.random.default_rng(seed)
    first = [f"p{i}" for i in rng.integers(0, 30, 100)]
    second = [f"p{i}" for i in rng.integers(15, 60, 80)]  # half of its patients are in the first class as well
    folds = two_folds(first, second, seed)
    sides: dict[str, set[int]] = {}
    for names, fold in zip((first, second), folds, strict=True):
        assert abs(fold.mean() - 0.5) < 0.1
        for name, side in zip(names, fold.tolist(), strict=True):
            sides.setdefault(name, set()).add(side)
    assert all(len(side) == 1 for side in sides.values())


def test_two_patients_are_enough_and_one_is_not() -> None:
    for fold in two_folds(["a", "a", "b"], ["c", "d"]):
        assert set(fold.tolist()) == {0, 1}
    with pytest.raises(EchoSynthError, match=r"at least 2 patients in each set, got 1"):
        two_folds(["a", "a"], ["c", "d"])


def test_folds_follow_the_seed() -> None:
    names = [str(i) for i in range(20)]
    folds = [two_folds(names, names, seed)[0].tolist() for seed in (0, 0, 1)]
    assert folds[0] == folds[1] != folds[2]
