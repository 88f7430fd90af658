"""Class folders with masks: what is found, how masks are joined, the prepared form, and what is said about strays."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from monai_echosynth import cli
from monai_echosynth.data.datalist import load_datalist, read_dataset_json, read_label_table
from monai_echosynth.data.discover import discover
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.workflows.prepare import prepare


def _png(path: Path, array: np.ndarray, mode: str = "L") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array.T.astype(np.uint8)).convert(mode).save(path)


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Ten pictures of 40 x 40; the first benign one has two lesions."""
    root, rng = tmp_path / "busi", np.random.default_rng(0)
    for number in range(1, 6):
        for kind in ("benign", "normal"):
            image, mask = rng.integers(30, 200, (40, 40)), np.zeros((40, 40))
            if kind == "benign":
                mask[5:15, 20:30] = 255
            _png(root / kind / f"{kind} ({number}).png", image, "RGB")
            _png(root / kind / f"{kind} ({number})_mask.png", mask, "1" if number == 2 else "L")
    second = np.zeros((40, 40))
    second[25:35, 5:10] = 255
    _png(root / "benign" / "benign (1)_mask_1.png", second)
    return root


def test_pictures_are_found_with_class_and_masks(pictures: Path) -> None:
    records = {record.id: record for record in discover(pictures)}
    assert sorted(records) == [f"{kind}_{n}" for kind in ("benign", "normal") for n in range(1, 6)]
    first = records["benign_1"]
    assert (first.patient, first.view, first.phase) == ("benign_1", "benign", "")
    assert [path.name for path in first.masks] == ["benign (1)_mask.png", "benign (1)_mask_1.png"]
    assert len(records["benign_2"].masks) == 1
    assert [record.id for record in discover(pictures, views=["normal"])] == [f"normal_{n}" for n in range(1, 6)]


def test_prepared_pictures_have_joined_masks_and_a_split_by_picture(pictures: Path, tmp_path: Path) -> None:
    out = prepare(pictures, tmp_path / "prepared", size=20, n_test=2, progress=False)
    assert read_label_table(out).names == {"0": "outside", "1": "lesion", "2": "sector"}
    sections = {name: load_datalist(out, name) for name in ("training", "validation", "test")}
    assert [len(items) for items in sections.values()] == [7, 1, 2]
    items = {item["id"]: item for items in sections.values() for item in items}
    assert len(items) == 10 and items["normal_3"]["view"] == "normal"
    assert any("name no patients" in note for note in read_dataset_json(out)["notes"])
    item = items["benign_1"]
    label = np.asarray(nib.load(item["label"]).dataobj)
    scale = label.shape[0] / 40
    assert label[round(10 * scale), round(25 * scale)] == 1 and label[round(30 * scale), round(7 * scale)] == 1
    assert label[round(20 * scale), round(20 * scale)] == 2
    assert not (np.asarray(nib.load(items["normal_1"]["label"]).dataobj) == 1).any()


def test_strays_are_named(pictures: Path) -> None:
    (pictures / "normal" / "normal (4)_mask.png").unlink()
    with pytest.raises(EchoSynthError, match=r"each picture needs a mask.*normal \(4\)\.png"):
        discover(pictures)
    (pictures / "normal" / "normal (4).png").unlink()
    (pictures / "benign" / "benign (3).png").unlink()
    with pytest.raises(EchoSynthError, match=r"each mask needs its picture.*benign \(3\)_mask\.png"):
        discover(pictures)


def test_names_that_become_one_are_refused(pictures: Path) -> None:
    for suffix in ("", "_mask"):
        _png(pictures / "benign" / f"benign 1{suffix}.png", np.full((40, 40), 9))
    with pytest.raises(EchoSynthError, match="must differ in letters and digits"):
        discover(pictures)


def test_masks_of_other_sizes_are_refused(pictures: Path, tmp_path: Path) -> None:
    _png(pictures / "benign" / "benign (1)_mask_1.png", np.zeros((40, 30)))
    with pytest.raises(EchoSynthError, match="one shape"):
        prepare(pictures, tmp_path / "prepared", size=20, progress=False)
    assert not (tmp_path / "prepared").exists()


def test_the_program_writes_and_prepares_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    raw, out = str(tmp_path / "raw"), str(tmp_path / "prepared")
    arguments = ["phantom", "--lesions", "--patients", "9", "--width", "64", "--workers", "1", "--out", raw]
    assert cli.main(arguments) == 0
    assert cli.main(["prepare", "--data", raw, "--out", out, "--size", "32", "--n-test", "2"]) == 0
    table = read_dataset_json(out)
    assert table["spatial_size"] == [32, 32] and len(table["test"]) == 2
    label = np.asarray(nib.load(Path(out) / table["training"][0]["label"]).dataobj)
    assert (label > 0).all()  # the whole picture is inside
    assert cli.main(["phantom", "--lesions", "--views", "4CH", "--out", raw]) == 2
    assert "leave --views and --styles out" in capsys.readouterr().err
