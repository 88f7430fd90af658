"""Masks for generation from every kind of folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from monai_echosynth.data.masks import load_masks, read_mask
from monai_echosynth.data.semantic_map import semantic_map
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.workflows.prepare import prepare
from tests.helpers.echo_frames import camus_folder, frame, save_nifti, save_png, sector


def semantic() -> np.ndarray:
    return semantic_map(frame()[1], sector(), "x")


def test_prepared_folder_gives_its_training_section(tmp_path: Path) -> None:
    folder = prepare(camus_folder(tmp_path / "c", 5), tmp_path / "p", size=32, progress=False)
    items = load_masks(folder)
    assert len(items) == 6
    assert set(items[0]) == {"label", "id", "patient", "view", "phase"}
    mask = read_mask(items[0], 32)
    assert mask.note == ""
    assert mask.spacing == pytest.approx((0.5 * 48 / 32, 0.25 * 40 / 32))


def test_plain_folder_of_semantic_maps(tmp_path: Path) -> None:
    save_png(tmp_path / "p1_4CH_ED.png", semantic())
    (item,) = load_masks(tmp_path)
    assert (item["id"], item["patient"], item["view"], item["phase"]) == ("p1_4CH_ED", "p1", "4CH", "ED")
    mask = read_mask(item, 20)
    assert mask.label.shape == (20, 20)
    assert "48 x 40 to 20 x 20" in mask.note
    assert set(np.unique(mask.label)) == {0, 1, 2, 3, 4}


def test_raw_ids_need_an_image_beside(tmp_path: Path) -> None:
    image, label = frame()
    save_nifti(tmp_path / "labels/a.nii.gz", label)
    (item,) = load_masks(tmp_path)
    with pytest.raises(EchoSynthError, match=r"sector .*a\.nii\.gz"):
        read_mask(item, 32)
    save_nifti(tmp_path / "images/a.nii.gz", image)
    (item,) = load_masks(tmp_path)
    assert set(np.unique(read_mask(item, 32).label)) == {0, 1, 2, 3, 4}


def test_camus_layout_is_understood(tmp_path: Path) -> None:
    items = load_masks(camus_folder(tmp_path, 2))
    assert [item["id"] for item in items[:2]] == ["patient0001_4CH_ED", "patient0001_4CH_ES"]
    assert (read_mask(items[0], 32).label == 4).any()


def test_bad_folders_and_ids_are_named(tmp_path: Path) -> None:
    with pytest.raises(EchoSynthError, match="empty"):
        load_masks(tmp_path)
    (tmp_path / "x.txt").write_text("x")
    with pytest.raises(EchoSynthError, match="none"):
        load_masks(tmp_path)
    save_png(tmp_path / "a.png", semantic() + 5)
    with pytest.raises(EchoSynthError, match="got 5, 6, 7, 8, 9"):
        read_mask(load_masks(tmp_path)[0], 32)
    bad = semantic()
    bad[0, 0] = 9
    save_png(tmp_path / "a.png", bad)
    with pytest.raises(EchoSynthError, match=r"got 9 in .*a\.png"):
        read_mask(load_masks(tmp_path)[0], 32)
