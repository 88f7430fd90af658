"""No patient on both sides, synthetic frames follow the patient of their mask, and every real frame validates once."""

from __future__ import annotations

import pytest

from monai_echosynth.data.patient_splits import SplitCase, patient_folds, single_fold
from monai_echosynth.errors import EchoSynthError


def _cases(patients: int = 7, synthetic: int = 3) -> list[SplitCase]:
    real = [SplitCase(f"p{p}_{phase}", f"p{p}", True) for p in range(patients) for phase in ("ED", "ES")]
    return real + [SplitCase(f"p{k % patients}_s{k}", f"p{k % patients}", False) for k in range(synthetic * patients)]


@pytest.mark.parametrize("folds", [2, 3, 7])
def test_cross_validation(folds: int) -> None:
    cases = {case.name: case for case in _cases()}
    splits = patient_folds(list(cases.values()), folds)
    assert len(splits) == folds
    for split in splits:
        training, validation = ({cases[name].patient for name in split[part]} for part in ("train", "val"))
        assert training.isdisjoint(validation)
        assert all(cases[name].validates for name in split["val"])
        assert sum(not cases[name].validates for name in split["train"]) == 3 * len(training)
    validated = [name for split in splits for name in split["val"]]
    assert sorted(validated) == sorted(name for name, case in cases.items() if case.validates)
    sizes = [len({cases[name].patient for name in split["val"]}) for split in splits]
    assert max(sizes) - min(sizes) <= 1


def test_seed_deals_again() -> None:
    cases = _cases()
    assert patient_folds(cases, 3, seed=0) == patient_folds(cases, 3, seed=0) != patient_folds(cases, 3, seed=1)


def test_own_division_leaves_out_frames_of_validation_patients() -> None:
    cases = [SplitCase("a", "p1", False), SplitCase("b", "p2", False), SplitCase("v", "p2", True)]
    assert single_fold(cases) == {"train": ["a"], "val": ["v"]}


@pytest.mark.parametrize(("patients", "folds"), [(2, 3), (4, 1)])
def test_too_few_patients(patients: int, folds: int) -> None:
    with pytest.raises(EchoSynthError, match=f"got {folds} folds and {patients} patients"):
        patient_folds(_cases(patients), folds)


def test_nobody_validates() -> None:
    with pytest.raises(EchoSynthError, match="0 validation cases"):
        single_fold([SplitCase("a", "p1", False)])
