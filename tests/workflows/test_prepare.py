"""Preparation: the documented folder, resuming, duplicates and every bad input."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest

from monai_echosynth.data.prepare_frame import write_prepared
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.workflows import prepare as module
from monai_echosynth.workflows.prepare import prepare
from tests.helpers.echo_frames import camus_folder, frame, save_nifti, save_png, sector


def run(data: Path, out: Path, **settings: Any) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(
        (prepare(data, out, size=32, progress=False, **settings) / "dataset.json").read_text()
    )
    return content


def test_prepared_folder_is_as_documented(tmp_path: Path) -> None:
    content = run(camus_folder(tmp_path / "c", 10), tmp_path / "p", n_test=2)
    assert content["format"] == 1
    assert content["spatial_size"] == [32, 32]
    assert {key: len(content[key]) for key in ("training", "validation", "test")} == {
        "training": 14,
        "validation": 2,
        "test": 4,
    }
    sections = [{item["patient"] for item in content[key]} for key in ("training", "validation", "test")]
    assert sum(map(len, sections)) == len(set.union(*sections)) == 10

    item = content["training"][0]
    image, label = (nib.load(tmp_path / "p" / item[key]) for key in ("image", "label"))
    assert image.get_data_dtype() == label.get_data_dtype() == np.uint8
    assert np.allclose(np.diag(image.affine), [0.75, 0.3125, 1, 1])
    pixels, ids = np.asarray(image.dataobj), np.asarray(label.dataobj)
    assert pixels.shape == ids.shape == (32, 32)
    assert set(np.unique(ids)) == {0, 1, 2, 3, 4}
    assert not pixels[ids == 0].any()


def test_test_frames_stay_on_their_native_grid(tmp_path: Path) -> None:
    content = run(camus_folder(tmp_path / "c", 4), tmp_path / "p", n_test=1)
    item = content["test"][0]
    assert item["image"] == f"original/images/{item['id']}.nii.gz"
    source = nib.load(tmp_path / "c/database_nifti" / item["patient"] / f"{item['id']}.nii.gz")
    native = nib.load(tmp_path / "p" / item["image"])
    assert native.shape == (48, 40)
    assert np.allclose(native.header.get_zooms(), (0.5, 0.25))
    assert np.array_equal(np.asarray(native.dataobj), np.asarray(source.dataobj))
    label = np.asarray(nib.load(tmp_path / "p" / item["label"]).dataobj)
    annotated = frame()[1]
    assert np.array_equal(label[sector()] % 4, annotated[sector()])
    assert (tmp_path / "p/images" / Path(item["image"]).name).is_file()


def test_monai_reads_the_list(tmp_path: Path) -> None:
    from monai.data import load_decathlon_datalist

    run(camus_folder(tmp_path / "c", 4), tmp_path / "p", n_test=1)
    items = load_decathlon_datalist(str(tmp_path / "p/dataset.json"), True, "training")
    assert Path(items[0]["image"]).is_file()


def test_an_interrupted_run_continues_to_identical_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = camus_folder(tmp_path / "c", 5)
    run(data, tmp_path / "whole", n_test=1)
    written: list[str] = []
    recovered: list[bool] = []

    def failing(*arguments: Any) -> None:
        written.append(arguments[1])
        if len(written) >= 4 and not recovered:
            raise OSError(28, "No space left on device", "x")
        write_prepared(*arguments)

    monkeypatch.setattr(module, "write_prepared", failing)
    with pytest.raises(OSError, match="No space"):
        run(data, tmp_path / "part", n_test=1, workers=1)
    assert not (tmp_path / "part/dataset.json").exists()
    assert not list((tmp_path / "part").rglob(".partial-*"))

    count = len(written)
    recovered.append(True)
    run(data, tmp_path / "part", n_test=1, workers=1)
    assert len(written) - count == 10 - 3
    files = sorted(path.relative_to(tmp_path / "whole") for path in (tmp_path / "whole").rglob("*") if path.is_file())
    assert files == sorted(
        path.relative_to(tmp_path / "part") for path in (tmp_path / "part").rglob("*") if path.is_file()
    )
    assert all((tmp_path / "whole" / file).read_bytes() == (tmp_path / "part" / file).read_bytes() for file in files)


def test_other_settings_redo_the_folder_and_drop_stale_frames(tmp_path: Path) -> None:
    data = camus_folder(tmp_path / "c", 5)
    run(data, tmp_path / "p", n_test=2)
    first = (tmp_path / "p/labels/patient0001_4CH_ED.nii.gz").stat().st_mtime_ns
    run(data, tmp_path / "p", n_test=2)
    assert (tmp_path / "p/labels/patient0001_4CH_ED.nii.gz").stat().st_mtime_ns == first
    content = run(data, tmp_path / "p", n_test=1, phases=["ED"])
    kept = {path.name for path in (tmp_path / "p/original/images").iterdir()}
    assert kept == {Path(item["image"]).name for item in content["test"]}
    assert not list((tmp_path / "p").rglob("*_ES.nii.gz"))
    assert (tmp_path / "p/labels/patient0001_4CH_ED.nii.gz").stat().st_mtime_ns > first


def test_duplicates_are_reported_and_on_one_side(tmp_path: Path) -> None:
    data = camus_folder(tmp_path / "c", 6)
    base = data / "database_nifti"
    for kind in ("", "_gt"):
        shutil.copy(
            base / f"patient0002/patient0002_4CH_ED{kind}.nii.gz", base / f"patient0005/patient0005_4CH_ES{kind}.nii.gz"
        )
    for seed in range(4):
        content = run(data, tmp_path / f"p{seed}", n_test=3, seed=seed)
        assert content["duplicates"] == [["patient0002_4CH_ED", "patient0005_4CH_ES"]]
        assert {"patient0002", "patient0005"} <= {item["patient"] for item in content["training"]}
        assert any("same pixels" in note for note in content["notes"])


def test_plain_folders_note_the_unknown_spacing(tmp_path: Path) -> None:
    for number in range(4):
        image, label = frame(number)
        save_png(tmp_path / f"d/images/p{number}_a.png", image)
        save_png(tmp_path / f"d/labels/p{number}_a.png", label)
    content = run(tmp_path / "d", tmp_path / "p", n_test=1)
    assert any("spacing unknown in 4 frames" in note for note in content["notes"])
    assert {item["patient"] for key in ("training", "test", "validation") for item in content[key]} == {
        "p0",
        "p1",
        "p2",
        "p3",
    }


def spoil(data: Path, how: str) -> str:
    """Damages one frame and returns a text that the error must contain."""
    base = data / "database_nifti/patient0002/patient0002_4CH_ED"
    image, label = base.with_name(base.name + ".nii.gz"), base.with_name(base.name + "_gt.nii.gz")
    pixels, ids = frame()
    if how == "no label":
        label.unlink()
        return image.name
    if how == "unknown id":
        ids[24, 20] = 7
        save_nifti(label, ids)
        return f"got 7 in .*{label.name}"
    if how == "shape":
        save_nifti(label, ids[:-1])
        return label.name
    if how == "cut":
        image.write_bytes(image.read_bytes()[:-200])
        return image.name
    if how == "black":
        save_nifti(image, np.zeros_like(pixels))
        return f"black.*{image.name}"
    if how == "nan":
        values = pixels.astype(np.float32)
        values[24, 20] = np.nan
        save_nifti(image, values)
        return f"1 NaN.*{image.name}"
    save_nifti(label, np.zeros_like(ids))
    return f"none in .*{label.name}"


@pytest.mark.parametrize("how", ["no label", "unknown id", "shape", "cut", "black", "nan", "empty label"])
def test_bad_frames_are_named_and_nothing_is_written(tmp_path: Path, how: str) -> None:
    data = camus_folder(tmp_path / "c", 3)
    text = spoil(data, how)
    with pytest.raises(EchoSynthError, match=text) as caught:
        run(data, tmp_path / "p")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "p").exists()


@pytest.mark.parametrize(
    ("patients", "settings", "word"),
    [
        (1, {}, "at least 2 patients"),
        (3, {"n_test": 0}, "at least 1 test patient"),
        (3, {"n_test": 3}, "leave one for training"),
        (3, {"max_train": 0}, "max_train"),
        (3, {"views": ["2CH"]}, "2CH"),
        (3, {"split": "official"}, "official"),
        (3, {"split": "best"}, "auto, official, random"),
        (3, {"workers": 0}, "worker"),
        (3, {"validation_fraction": 1.0}, "validation_fraction"),
    ],
)
def test_impossible_settings_are_refused(tmp_path: Path, patients: int, settings: dict[str, Any], word: str) -> None:
    data = camus_folder(tmp_path / "c", patients)
    with pytest.raises(EchoSynthError, match=word):
        run(data, tmp_path / "p", **settings)
    assert not (tmp_path / "p").exists()


def test_foreign_output_folders_are_left_alone(tmp_path: Path) -> None:
    data = camus_folder(tmp_path / "c", 3)
    with pytest.raises(EchoSynthError, match="two folders"):
        run(data, data)
    (tmp_path / "killed").mkdir()
    (tmp_path / "killed/.partial-1-prepare.json").write_text("{")
    run(data, tmp_path / "killed")
    assert not (tmp_path / "killed/.partial-1-prepare.json").exists()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/notes.txt").write_text("x")
    with pytest.raises(EchoSynthError, match="new, empty or prepared"):
        run(data, tmp_path / "mine")
    with pytest.raises(EchoSynthError, match="the file"):
        run(data, tmp_path / "mine/notes.txt")


def test_real_frames_in_all_layouts(camus: Path, tmp_path: Path) -> None:
    for patient in sorted((camus / "database_nifti").iterdir())[:4]:
        shutil.copytree(patient, tmp_path / "c/database_nifti" / patient.name)
    content = run(tmp_path / "c", tmp_path / "p", n_test=1)
    assert sum(len(content[key]) for key in ("training", "validation", "test")) == 8
