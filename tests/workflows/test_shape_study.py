"""The whole shape study on made-up hearts, and its acceptance numbers on real label maps."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from monai_echosynth.data.atomic import write_json
from monai_echosynth.data.builtin_labels import SEMANTIC_LABELS, TEE_LABELS
from monai_echosynth.data.camus_layout import camus_records
from monai_echosynth.data.label_table import LabelTable
from monai_echosynth.data.masks import load_masks, read_mask
from monai_echosynth.data.read_frame import read_pixels
from monai_echosynth.data.resample import resample_label
from monai_echosynth.data.sector_mask import sector_mask
from monai_echosynth.data.semantic_map import semantic_map
from monai_echosynth.data.shapes import ShapeMap, fit_shapes
from monai_echosynth.data.shapes.quality_curves import generality
from monai_echosynth.data.write_nifti import write_nifti
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.workflows.shape_maps import prepared_table
from monai_echosynth.workflows.shape_study import run_shape_masks, run_shape_model
from tests.helpers.shape_maps import FOUR, hearts_of


def prepare(folder: Path, table: LabelTable, training: int = 24, test: int = 6) -> Path:
    """A prepared folder of made-up maps (a shape model reads no images)."""
    sections: dict[str, list[dict[str, str]]] = {"training": [], "validation": [], "test": []}
    for number, item in enumerate(hearts_of(table, training + test)):
        name = f"labels/{item.name}"
        write_nifti(folder / name, item.label, item.spacing)
        sections["training" if number < training else "test"].append({"label": name, "patient": item.group})
    write_json(folder / "dataset.json", {"format": 1, "labels": table.names, **sections})
    return folder


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shapes")
    prepare(folder / "data", SEMANTIC_LABELS)
    run_shape_model(folder / "data", folder / "out", samples=10, folds=3)
    return folder


def test_the_study_writes_model_numbers_and_pictures(study: Path) -> None:
    numbers = json.loads((study / "out/shape_model.json").read_text())
    assert numbers["maps"] == 24 and numbers["left_out"] == [] and numbers["structures"] == ["la", "lv_epi", "lv_endo"]
    assert numbers["held_out"].keys() == {"test"} and numbers["held_out"]["test"]["maps"] == 6
    assert 0 < numbers["generality_curves_mm"] < numbers["generality_mm"] < 2
    assert numbers["compactness"][numbers["modes"] - 1] >= 0.95 > numbers["compactness"][numbers["modes"] - 2]
    errors = numbers["generality"]["mean_mm"]
    assert errors == sorted(errors, reverse=True)
    assert numbers["specificity_mm"] > 0
    samples = numbers["samples"]
    assert samples["valid"] == samples["maps"] == 10
    assert samples["rejection_rate"] == pytest.approx(1 - 10 / samples["attempts"])
    for picture in ("modes", "curves", "maps"):
        with Image.open(study / f"out/{picture}.png") as image:
            assert np.ptp(np.asarray(image.convert("L"))) > 100


def test_the_masks_are_a_folder_that_generation_takes(study: Path, tmp_path: Path) -> None:
    paths = run_shape_masks(study / "out/shape_model.safetensors", tmp_path, 3, seed=1)
    items = load_masks(tmp_path)
    assert [Path(item["label"]) for item in items] == [path.resolve() for path in paths]
    mask = read_mask(items[2], 80)
    assert set(np.unique(mask.label)) == {0, 1, 2, 3, 4} and mask.spacing == pytest.approx((1.5, 1.25))
    later = run_shape_masks(study / "out/shape_model.safetensors", tmp_path / "later", 1, seed=1, start=2)[0]
    assert later.name == paths[2].name and later.read_bytes() == paths[2].read_bytes()
    with pytest.raises(EchoSynthError, match="at least one map"):
        run_shape_masks(study / "out/shape_model.safetensors", tmp_path, 0)


def test_four_chambers_go_the_same_way(tmp_path: Path) -> None:
    prepare(tmp_path / "data", FOUR)
    write_json(tmp_path / "four.json", FOUR.to_dict())
    numbers = run_shape_model(tmp_path / "data", tmp_path / "out", table=tmp_path / "four.json", samples=5, folds=2)
    assert numbers["contacts"] == [["la", "lv"], ["ra", "rv"]] and numbers["samples"]["valid"] == 5
    label = np.asarray(nib.load(run_shape_masks(tmp_path / "out/shape_model.safetensors", tmp_path, 1)[0]).dataobj)
    assert set(np.unique(label)) == {0, 1, 2, 3, 4, 5}


def test_the_table_is_that_of_the_folder(tmp_path: Path) -> None:
    write_json(tmp_path / "dataset.json", {"labels": TEE_LABELS.names})
    assert prepared_table([tmp_path]) is TEE_LABELS
    with pytest.raises(EchoSynthError, match="table 'semantic', got 0 outside, 1 la"):
        prepared_table([tmp_path], SEMANTIC_LABELS)
    write_json(tmp_path / "dataset.json", {"labels": {"0": "outside", "1": "aorta", "2": "sector"}})
    with pytest.raises(EchoSynthError, match="built-in table, got 0 outside, 1 aorta"):
        prepared_table([tmp_path])


def test_bad_folders_are_named(tmp_path: Path) -> None:
    with pytest.raises(EchoSynthError, match="echosynth prepare"):
        run_shape_model(tmp_path, tmp_path / "out")
    few = prepare(tmp_path / "few", SEMANTIC_LABELS, training=3, test=0)
    with pytest.raises(EchoSynthError, match="at least 8"):
        run_shape_model(few, tmp_path / "out")
    with pytest.raises(EchoSynthError, match="'validation' must hold at least one frame"):
        run_shape_model(few, tmp_path / "out", section="validation")
    with pytest.raises(EchoSynthError, match="rigid, similarity"):
        run_shape_model(few, tmp_path / "out", alignment="affine")
    whole = prepare(tmp_path / "whole", SEMANTIC_LABELS, training=10, test=0)
    path = whole / "labels/heart5.nii.gz"
    label = np.asarray(nib.load(path).dataobj)
    write_nifti(path, np.where(label == 3, 4, label), (1.5, 1.25))
    with pytest.raises(EchoSynthError, match=r"no la in .*heart5\.nii\.gz"):
        run_shape_model(whole, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_real_hearts_are_described_within_two_millimeters(camus: Path) -> None:
    records = [r for r in camus_records(camus) if r.view == "4CH" and r.label_path is not None]
    maps = []
    for record in records[:: max(1, len(records) // 80)]:
        image, label = read_pixels(record.image_path), read_pixels(Path(str(record.label_path)))
        semantic = semantic_map(label.array, sector_mask(image.array), record.id)
        spacing = tuple(s * n / 128 for s, n in zip(label.spacing, semantic.shape, strict=True))
        maps.append(ShapeMap(resample_label(semantic, (128, 128)), spacing, record.id, record.patient))
    fit = fit_shapes(maps, SEMANTIC_LABELS)
    assert len(fit.points) > 0.9 * len(maps)
    found = generality(fit.points, fit.groups, fit.fitted.model.layout, [1], share=0.95)
    assert found.at_share.mean() < 2.0
    drawn = [fit.fitted.sampler().sample(0, index) for index in range(100)]  # each is checked before it is given
    assert sum(item.attempts for item in drawn) < 130
