"""A subset trains on the first frames or on some patients and keeps the other sections."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from monai_echosynth.data.datalist import load_datalist
from monai_echosynth.data.subset import check_patients, write_patient_subset, write_subset
from monai_echosynth.errors import EchoSynthError
from tests.helpers.tiny_prepared import write_tiny_prepared


def test_smaller_subsets_are_heads_of_larger_ones(tmp_path: Path) -> None:
    whole = write_tiny_prepared(tmp_path / "whole")
    frames = load_datalist(whole, "training")
    for count in (1, 4, 6):
        folder = write_subset(whole, tmp_path / str(count), count)
        assert load_datalist(folder, "training") == frames[:count]
        for section in ("validation", "test"):
            assert load_datalist(folder, section) == load_datalist(whole, section)


@pytest.mark.parametrize("count", [0, 7])
def test_more_frames_than_there_are_are_refused(tmp_path: Path, count: int) -> None:
    whole = write_tiny_prepared(tmp_path / "whole")
    with pytest.raises(EchoSynthError, match=f"1 to 6 training frames of .*, got {count}"):
        write_subset(whole, tmp_path / "few", count)
    assert not (tmp_path / "few").exists()


def test_smaller_sets_of_patients_lie_in_larger_ones(tmp_path: Path) -> None:
    whole = write_tiny_prepared(tmp_path / "whole", training=10)
    names: set[str] = set()
    for count in (1, 3, 5, None):
        folder = write_patient_subset(whole, tmp_path / str(count), count, seed=4)
        items = load_datalist(folder, "training")
        found = {item["patient"] for item in items}
        assert len(found) == (count or 5) and len(items) == 2 * len(found) and names <= found
        assert [item for item in load_datalist(whole, "training") if item["patient"] in found] == items
        assert load_datalist(folder, "test") == load_datalist(whole, "test")
        names = found
    drawn = {write_patient_subset(whole, tmp_path / f"seed{seed}", 2, seed) for seed in range(6)}
    assert len({tuple(item["id"] for item in load_datalist(folder, "training")) for folder in drawn}) > 1


def test_patients_that_are_not_there_or_in_two_sections_are_refused(tmp_path: Path) -> None:
    whole = write_tiny_prepared(tmp_path / "whole")
    for count in (0, 4):
        with pytest.raises(EchoSynthError, match=f"1 to 3 training patients of .*, got {count}"):
            write_patient_subset(whole, tmp_path / "few", count)
    path = whole / "dataset.json"
    content = json.loads(path.read_text())
    content["test"][0]["patient"] = content["training"][0]["patient"]
    path.write_text(json.dumps(content))
    with pytest.raises(EchoSynthError, match="patient0000 in 'training' and 'test'"):
        check_patients(whole)
    del content["test"][0]["patient"]
    path.write_text(json.dumps(content))
    with pytest.raises(EchoSynthError, match="needs its patient, got none"):
        write_patient_subset(whole, tmp_path / "few", 1)
    assert not (tmp_path / "few").exists()
