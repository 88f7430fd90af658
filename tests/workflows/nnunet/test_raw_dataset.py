"""The raw data set holds what nnU-Net asks for: files, spacing, consecutive labels, splits by patient."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest

from monai_echosynth import cli
from monai_echosynth.data.atomic import write_json
from monai_echosynth.data.datalist import load_datalist
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.workflows.nnunet.raw_dataset import write_raw_dataset
from tests.helpers.tiny_chambers import write_tiny_chambers
from tests.helpers.tiny_prepared import write_tiny_prepared


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_prepared(tmp_path_factory.mktemp("real"))


@pytest.fixture(scope="module")
def synthetic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Frames of the same masks' patients, as a generated set lists them."""
    folder = write_tiny_prepared(tmp_path_factory.mktemp("synthetic"), training=8, seed=1)
    content = _read(folder / "dataset.json")
    frames = [
        {**item, "mask": item["id"], "id": f"{item['id']}_s{k:06d}"} for k, item in enumerate(content["training"])
    ]
    write_json(folder / "dataset.json", {**content, "training": frames, "validation": [], "test": []})
    return folder


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _names(folder: Path, suffix: str) -> list[str]:
    return sorted(path.name.removesuffix(suffix) for path in folder.glob(f"*{suffix}"))


def test_real_frames(real: Path, tmp_path: Path) -> None:
    root = write_raw_dataset([real], tmp_path, 7, "real", folds=1)
    assert root == tmp_path / "Dataset007_real"
    description = _read(root / "dataset.json")
    assert description["labels"] == {"background": 0, "lv_endo": 1, "myo": 2, "la": 3}
    assert description["channel_names"] == {"0": "ultrasound"} and description["file_ending"] == ".nii.gz"
    cases = _names(root / "labelsTr", ".nii.gz")
    assert description["numTraining"] == len(cases) == 8
    assert _names(root / "imagesTr", "_0000.nii.gz") == cases
    split = _read(root / "splits_final.json")
    assert sorted(split[0]["train"] + split[0]["val"]) == cases
    assert split[0]["val"] == sorted(item["id"] for item in load_datalist(real, "validation"))
    tests = [item["id"] for item in load_datalist(real, "test")]
    assert _names(root / "imagesTs", "_0000.nii.gz") == _names(root / "labelsTs", ".nii.gz") == sorted(tests)


@pytest.mark.parametrize(("part", "section"), [("Tr", "training"), ("Ts", "test")])
def test_pixels_and_spacing(real: Path, tmp_path: Path, part: str, section: str) -> None:
    root = write_raw_dataset([real], tmp_path, 7, "real", folds=2)
    for item in load_datalist(real, section):
        source, target = nib.load(item["image"]), nib.load(root / f"images{part}" / f"{item['id']}_0000.nii.gz")
        assert np.array_equal(np.asanyarray(source.dataobj), np.asanyarray(target.dataobj))
        assert np.allclose(source.header.get_zooms(), target.header.get_zooms())
        label, mask = nib.load(item["label"]), nib.load(root / f"labels{part}" / f"{item['id']}.nii.gz")
        ids = np.asanyarray(label.dataobj)
        assert np.array_equal(np.where(ids == 4, 0, ids), np.asanyarray(mask.dataobj))
        assert np.allclose(mask.affine, target.affine)


def test_mixed_frames(real: Path, synthetic: Path, tmp_path: Path) -> None:
    root = write_raw_dataset([real, synthetic], tmp_path, 8, "mixed", folds=3)
    records = {record["case"]: record for record in _read(root / "cases.json")}
    assert sum(record["synthetic"] for record in records.values()) == 8
    assert _read(root / "dataset.json")["numTraining"] == len(records) == 16
    for split in _read(root / "splits_final.json"):
        training, validation = ({records[name]["patient"] for name in split[part]} for part in ("train", "val"))
        assert training.isdisjoint(validation)
        assert not any(records[name]["synthetic"] for name in split["val"])
        assert any(records[name]["synthetic"] for name in split["train"])


def test_synthetic_frames_judged_by_real_ones(real: Path, synthetic: Path, tmp_path: Path) -> None:
    root = write_raw_dataset([synthetic], tmp_path, 9, "synthetic", validation=real, folds=1)
    records = {record["case"]: record for record in _read(root / "cases.json")}
    split = _read(root / "splits_final.json")[0]
    assert all(records[name]["synthetic"] for name in split["train"])
    assert split["val"] == sorted(item["id"] for item in load_datalist(real, "validation"))
    assert len(list((root / "imagesTs").iterdir())) == 4
    with pytest.raises(EchoSynthError, match="0 validation cases"):
        write_raw_dataset([synthetic], tmp_path, 10, "synthetic", folds=1)
    with pytest.raises(EchoSynthError, match="use 1 fold"):
        write_raw_dataset([synthetic], tmp_path, 11, "synthetic", validation=real)


def test_a_folder_named_twice_weighs_double(real: Path, tmp_path: Path) -> None:
    root = write_raw_dataset([real, real], tmp_path, 7, "twice", folds=1)
    assert _read(root / "dataset.json")["numTraining"] == 14  # 6 training frames twice, 2 of validation


def test_other_labels(tmp_path: Path) -> None:
    folder = write_tiny_chambers(tmp_path / "chambers")
    root = write_raw_dataset([folder], tmp_path / "raw", 7, "chambers", folds=1)
    assert _read(root / "dataset.json")["labels"] == {"background": 0, "lv": 1, "ra": 2, "la": 3}


def test_labels_with_gaps(tmp_path: Path) -> None:
    folder = write_tiny_chambers(tmp_path / "chambers")
    content = _read(folder / "dataset.json")
    content["label_table"]["labels"][3]["id"] = 7
    write_json(folder / "dataset.json", content)
    with pytest.raises(EchoSynthError, match=r"without gaps, got 0 outside, 1 lv, 2 ra, 4 sector, 7 la: prepare"):
        write_raw_dataset([folder], tmp_path / "raw", 7, "chambers")
    assert not (tmp_path / "raw").exists()


@pytest.mark.parametrize(("number", "name"), [(0, "echo"), (1000, "echo"), (7, "two words")])
def test_numbers_and_names(real: Path, tmp_path: Path, number: int, name: str) -> None:
    with pytest.raises(EchoSynthError, match="a number from 1 to 999 and a name"):
        write_raw_dataset([real], tmp_path, number, name)


def test_a_number_is_taken_once(real: Path, tmp_path: Path) -> None:
    write_raw_dataset([real], tmp_path, 7, "first", folds=1)
    for name in ("first", "second"):
        with pytest.raises(EchoSynthError, match=r"Dataset007_first is there"):
            write_raw_dataset([real], tmp_path, 7, name, folds=1)


def test_command(real: Path, synthetic: Path, tmp_path: Path) -> None:
    arguments = ["nnunet-export", "--data", str(real), str(synthetic), "--out", str(tmp_path), "--folds", "2"]
    assert cli.main(arguments) == 0
    assert len(_read(tmp_path / "Dataset501_echo" / "splits_final.json")) == 2
    assert cli.main(["nnunet-export", "--data", str(tmp_path), "--out", str(tmp_path / "new")]) == 2
