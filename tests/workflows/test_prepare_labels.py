"""Preparation of frames with a label table of their own: the esophageal phantom and every bad table or map."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from monai_echosynth.data.builtin_labels import TEE_LABELS
from monai_echosynth.data.check_prepared import check_prepared
from monai_echosynth.data.datalist import load_datalist, read_label_table
from monai_echosynth.data.masks import load_masks, read_mask
from monai_echosynth.data.phantom import write_phantom
from monai_echosynth.data.write_nifti import write_nifti
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.workflows.prepare import prepare
from tests.helpers.echo_frames import camus_folder

SIZE = 48


def pixels(path: str | Path) -> np.ndarray:
    return np.asarray(nib.load(path).dataobj)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five small patients seen from the esophagus."""
    folder = tmp_path_factory.mktemp("tee")
    return write_phantom(folder, patients=5, seed=1, views=["ME4C"], width=96, workers=1, progress=False)


@pytest.fixture(scope="module")
def folder(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return prepare(source, tmp_path_factory.mktemp("out") / "p", size=SIZE, progress=False)


def test_the_table_is_completed_and_written(folder: Path) -> None:
    content = json.loads((folder / "dataset.json").read_text())
    assert content["labels"] == TEE_LABELS.names
    assert content["label_table"] == TEE_LABELS.to_dict()
    assert read_label_table(folder) == TEE_LABELS
    item = content["training"][0]
    assert (item["view"], item["phase"], item["patient"][:3]) == ("ME4C", "ED", "tee")


def test_every_prepared_frame_shows_four_chambers(folder: Path) -> None:
    for section in ("training", "validation", "test"):
        check_prepared(folder, section)
        for item in load_datalist(folder, section):
            image, label = pixels(item["image"]), pixels(item["label"])
            assert set(np.unique(label)) == {0, 1, 2, 3, 4, 5}
            assert not image[label == 0].any()


def test_native_test_frames_keep_the_annotation(source: Path, folder: Path) -> None:
    for item in load_datalist(folder, "test"):
        name = Path(item["label"]).name
        raw, label = pixels(source / "labels" / name), pixels(item["label"])
        assert np.array_equal(np.where(label == 5, 0, label), raw * (label > 0))
        assert ((label > 0) | (pixels(source / "images" / name) == 0)).all()


def test_a_prepared_folder_is_a_source_of_masks_and_of_frames(folder: Path, tmp_path: Path) -> None:
    item = load_masks(folder)[0]
    assert np.array_equal(read_mask(item, SIZE).label, pixels(item["label"]))
    again = prepare(folder, tmp_path / "again", size=SIZE, n_test=1, progress=False)
    assert read_label_table(again) == TEE_LABELS
    name = Path(item["label"]).name
    assert np.array_equal(pixels(again / "labels" / name), pixels(folder / "labels" / name))


def test_frames_of_camus_name_no_table(tmp_path: Path) -> None:
    out = prepare(camus_folder(tmp_path / "c", 3), tmp_path / "p", size=32, progress=False)
    content = json.loads((out / "dataset.json").read_text())
    assert "label_table" not in content
    assert content["labels"] == {"0": "outside", "1": "lv_endo", "2": "myo", "3": "la", "4": "sector"}


def test_the_same_maps_under_another_table_are_prepared_anew(source: Path, tmp_path: Path) -> None:
    shutil.copytree(source, tmp_path / "data")
    out = prepare(tmp_path / "data", tmp_path / "p", size=32, progress=False)
    table = json.loads((tmp_path / "data/labels.json").read_text())
    rows = {row["name"]: row for row in table["labels"]}
    rows["la"]["channel"], rows["rv"]["channel"] = rows["rv"]["channel"], rows["la"]["channel"]
    (tmp_path / "data/labels.json").write_text(json.dumps(table))
    name = load_datalist(out, "training")[0]["label"]
    before = pixels(name)
    prepare(tmp_path / "data", out, size=32, progress=False)
    after = pixels(name)
    assert read_label_table(out).names["1"] == "rv"
    assert np.array_equal(after == 1, before == 4) and np.array_equal(after == 4, before == 1)


def spoil(data: Path, how: str) -> tuple[str, str]:
    """Damages the folder; returns texts that the error must hold: a name and a word."""
    label = data / "labels/tee0002_ME4C_ED.nii.gz"
    table = json.loads((data / "labels.json").read_text())
    if how in ("unknown id", "semantic id"):
        ids = pixels(label).copy()
        ids[48, 20] = 5 if how == "semantic id" else 77
        write_nifti(label, ids, (1.0, 1.0))
        return label.name, "got 5" if how == "semantic id" else "got 77"
    if how == "shape":
        write_nifti(label, pixels(label)[:-1], (1.0, 1.0))
        return label.name, "one shape"
    if how == "missing key":
        del table["labels"][2]["channel"]
    elif how == "missing row":
        table["labels"] = table["labels"][:-1]
    elif how == "no labels":
        del table["labels"]
    (data / "labels.json").write_text("{" if how == "damaged" else json.dumps(table))
    words = {"missing key": "channel", "missing row": "got 4", "no labels": "labels", "damaged": "JSON"}
    return "tee0001_ME4C_ED" if how == "missing row" else str(data / "labels.json"), words[how]


@pytest.mark.parametrize(
    "how", ["unknown id", "semantic id", "shape", "missing key", "missing row", "no labels", "damaged"]
)
def test_bad_tables_and_maps_are_named_and_nothing_is_written(source: Path, how: str, tmp_path: Path) -> None:
    shutil.copytree(source, tmp_path / "data")
    name, word = spoil(tmp_path / "data", how)
    with pytest.raises(EchoSynthError) as caught:
        prepare(tmp_path / "data", tmp_path / "p", size=32, workers=1, progress=False)
    message = str(caught.value)
    assert name in message and word in message and "\n" not in message
    assert ": " in message and not (tmp_path / "p").exists()
