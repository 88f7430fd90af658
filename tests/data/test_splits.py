"""Splits by patient: disjoint, repeatable, official files, duplicates."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from monai_echosynth.data.duplicates import find_duplicates, pixel_hash
from monai_echosynth.data.split_plan import SplitPlan, SplitSource, plan_split
from monai_echosynth.data.splits import official_split, split_patients
from monai_echosynth.errors import EchoSynthError

NAMES = [f"p{i:02d}" for i in range(20)]


def official(folder: Path, **sections: list[str]) -> None:
    (folder / "database_split").mkdir(parents=True)
    for key, names in {"training": [], "validation": [], "testing": [], **sections}.items():
        (folder / "database_split" / f"subgroup_{key}.txt").write_text("\n".join(names) + "\n")


def test_sections_are_disjoint_complete_and_of_the_asked_size() -> None:
    split = split_patients(NAMES, n_test=5, n_validation=3, seed=1)
    assert (len(split.training), len(split.validation), len(split.test)) == (12, 3, 5)
    assert sorted(split.training + split.validation + split.test) == NAMES


def test_split_depends_on_the_set_and_the_seed_only() -> None:
    assert split_patients(NAMES[::-1] * 2, 5, 3, 1) == split_patients(NAMES, 5, 3, 1)
    assert split_patients(NAMES, 5, 3, 2) != split_patients(NAMES, 5, 3, 1)


def test_training_is_capped_without_touching_the_test_section() -> None:
    whole, capped = split_patients(NAMES, 5, 3, 1), split_patients(NAMES, 5, 3, 1, max_train=4)
    assert capped.test == whole.test
    assert len(capped.training) == 4
    assert set(capped.training) < set(whole.training)


def test_linked_patients_only_train() -> None:
    for seed in range(10):
        split = split_patients(NAMES, 10, 5, seed, keep_in_training=["p03", "p04"])
        assert {"p03", "p04"} <= set(split.training)


@pytest.mark.parametrize(
    ("patients", "n_test", "n_validation", "word"),
    [
        (NAMES, 0, 2, "at least 1 test patient"),
        (NAMES, 5, -1, "negative"),
        (["p1", "p1"], 1, 0, "at least 2 patients"),
        (NAMES, 18, 2, "leave one for training"),
    ],
)
def test_impossible_splits_are_refused(patients: list[str], n_test: int, n_validation: int, word: str) -> None:
    with pytest.raises(EchoSynthError, match=word):
        split_patients(patients, n_test, n_validation, 0)


def test_official_files_are_cut_to_the_patients_at_hand(tmp_path: Path) -> None:
    official(tmp_path, training=["p01", "p02", "x"], validation=["p03"], testing=["p04", "y"])
    split = official_split(tmp_path / "database_nifti", NAMES)
    assert split is not None
    assert (split.training, split.validation, split.test) == (("p01", "p02"), ("p03",), ("p04",))
    assert official_split(tmp_path, ["p01"]) is None
    assert official_split(tmp_path / "a" / "b", NAMES) is None


def test_official_files_must_be_disjoint(tmp_path: Path) -> None:
    official(tmp_path, training=["p01"], testing=["p01"])
    with pytest.raises(EchoSynthError, match="p01"):
        official_split(tmp_path, NAMES)


def test_plan_follows_official_files_and_drops_linked_training_patients(tmp_path: Path) -> None:
    official(tmp_path, training=["p01", "p02", "p05"], validation=["p03"], testing=["p04"])
    split, notes = plan_split(SplitPlan(max_train=2), tmp_path, NAMES, linked=["p02", "p04"])
    assert (split.training, split.validation, split.test) == (("p01",), ("p03",), ("p04",))
    assert any("p02" in note for note in notes)
    random, _ = plan_split(SplitPlan(source=SplitSource.RANDOM), tmp_path, NAMES, [])
    assert len(random.test) == 4
    with pytest.raises(EchoSynthError, match="official"):
        plan_split(SplitPlan(source=SplitSource.OFFICIAL), tmp_path / "a" / "b", NAMES, [])


def test_plan_counts_validation_within_the_cap(tmp_path: Path) -> None:
    names = [f"p{i}" for i in range(448)]
    split, _ = plan_split(SplitPlan(), tmp_path, names, [])
    assert (len(split.training), len(split.validation), len(split.test)) == (378, 20, 50)
    split, _ = plan_split(SplitPlan(n_test=100, max_train=100), tmp_path, names, [])
    assert (len(split.training), len(split.validation), len(split.test)) == (95, 5, 100)


def test_duplicates_are_found_by_pixels() -> None:
    image = np.arange(6, dtype=np.uint8).reshape(2, 3)
    assert pixel_hash(image) == pixel_hash(np.asfortranarray(image))
    assert pixel_hash(image) != pixel_hash(image.reshape(3, 2))
    assert find_duplicates({"c": "1", "a": "1", "b": "2", "d": "1"}) == [("a", "c"), ("a", "d")]
