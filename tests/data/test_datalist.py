"""Sections of prepared folders."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from monai_echosynth.data.datalist import load_datalist
from monai_echosynth.errors import EchoSynthError


def prepared(folder: Path, name: str) -> Path:
    (folder / "images").mkdir(parents=True)
    (folder / "labels").mkdir()
    for key in ("images", "labels"):
        (folder / key / f"{name}.nii.gz").write_bytes(b"")
    item = {"image": f"images/{name}.nii.gz", "label": f"labels/{name}.nii.gz", "id": name}
    (folder / "dataset.json").write_text(json.dumps({"format": 1, "training": [item], "validation": []}))
    return folder


def test_sections_are_joined_with_absolute_paths(tmp_path: Path) -> None:
    folders = [prepared(tmp_path / "a", "x"), prepared(tmp_path / "b", "y")]
    items = load_datalist(folders, "training")
    assert [item["id"] for item in items] == ["x", "y"]
    assert all(
        Path(item[key]).is_absolute() and Path(item[key]).is_file() for item in items for key in ("image", "label")
    )
    assert load_datalist(str(folders[0]), "training") == items[:1]


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    folder = prepared(tmp_path / "a", "x")
    with pytest.raises(EchoSynthError, match=r"'validation' .*none in .*a"):
        load_datalist(folder, "validation")
    with pytest.raises(EchoSynthError, match=r"'test' must be in .*got training, validation"):
        load_datalist(folder, "test")
    (folder / "labels/x.nii.gz").unlink()
    with pytest.raises(EchoSynthError, match=r"got no .*labels/x\.nii\.gz"):
        load_datalist(folder, "training")
    with pytest.raises(EchoSynthError, match="echosynth prepare"):
        load_datalist(tmp_path, "training")


@pytest.mark.parametrize("text", ["{", "[]", '{"format": 9}'])
def test_damaged_files_are_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "dataset.json").write_text(text)
    with pytest.raises(EchoSynthError, match=r"dataset\.json"):
        load_datalist(tmp_path, "training")
