"""The audit on phantom frames: planted copies are found, other patients are not, and what is dropped is written down."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
import torch

from monai_echosynth import cli
from monai_echosynth.data.datalist import load_datalist, read_label_table
from monai_echosynth.data.phantom import Phase, View, plan_patient, render
from monai_echosynth.data.write_nifti import write_nifti
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.workflows import copy_search
from monai_echosynth.workflows.audit import AuditSettings, run_audit
from monai_echosynth.workflows.audit_filter import write_filtered
from monai_echosynth.workflows.audit_table import audit_text
from monai_echosynth.workflows.copy_search import VARIANTS, build_gallery, find_copies
from monai_echosynth.workflows.extractors import domain_features
from monai_echosynth.workflows.frame_batches import FrameBatch, frame_batches
from monai_echosynth.workflows.prepare import prepare
from tests.helpers.planted_copies import DISGUISES, plant_copies, split_held_out
from tests.helpers.tiny_prepared import write_tiny_prepared
from tests.helpers.tiny_segmenter import write_tiny_segmenter

pytestmark = pytest.mark.timeout(300)  # renders the phantom

SIZE = 64
COPIES = 5
OLD = AuditSettings(held_out_sections=("test",))


@pytest.fixture(scope="module")
def phantom(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One frame each of 10 patients to train on and 40 held-out ones."""
    folder = tmp_path_factory.mktemp("phantom")
    for index in range(1, 51):
        frame = render(5, plan_patient(5, index), View.FOUR_CHAMBER, next(iter(Phase)), width=SIZE)
        for kind, array in (("images", frame.image), ("labels", frame.label)):
            write_nifti(folder / kind / f"patient{index:04d}_4CH_ED.nii.gz", array, (frame.spacing_mm,) * 2)
    return prepare(
        folder, folder / "prepared", SIZE, n_test=40, validation_fraction=0.0, split="random", progress=False
    )


@pytest.fixture(scope="module")
def segmenter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_segmenter(tmp_path_factory.mktemp("segmenter") / "bundle")


@pytest.fixture(scope="module")
def parts(phantom: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, int]:
    """A set with planted copies and frames of 20 patients, the other 20 as control, and the number of other frames."""
    folder = tmp_path_factory.mktemp("planted")
    held_out, others = split_held_out(phantom, folder / "held_out")
    planted = plant_copies(folder / "set", load_datalist(phantom, "training")[:COPIES], others, SIZE)
    return planted, held_out, len(others)


@pytest.fixture(scope="module")
def found(
    phantom: Path, parts: tuple[Path, Path, int], segmenter: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    out = tmp_path_factory.mktemp("audit")
    settings = AuditSettings(held_out_sections=("test",), segmenter=segmenter)
    return {"out": out, **run_audit(parts[0], phantom, out, parts[1], out / "filtered", settings)}


def test_planted_copies_are_found_and_others_are_not(found: dict[str, Any], parts: tuple[Path, Path, int]) -> None:
    flagged = [row["id"].split("_")[0] for row in found["copies"]["frames"]]
    caught = sum(flagged.count(disguise) for disguise in DISGUISES)
    assert caught >= 0.95 * COPIES * len(DISGUISES)
    assert flagged.count("other") <= 0.05 * parts[2]
    assert found["copies"]["false_alarms"]["frames"] <= 0.05
    assert found["copies"]["bound"] <= 0.05


def test_a_copy_is_traced_to_its_source_and_its_disguise(found: dict[str, Any]) -> None:
    rows = {row["id"]: row for row in found["copies"]["frames"]}
    for name, row in rows.items():
        disguise, source = name.split("_", 1)
        assert row["nearest"] == source
        assert row["mirrored"] == (disguise == "mirrored")
        assert row["shift"] == ([3, -3] if disguise == "shifted" else [0, 0]), name
        assert (row["degrees"], row["scale"]) == (0.0, 1.0)


def test_a_set_of_copies_is_nearer_to_the_training_frames(found: dict[str, Any]) -> None:
    low, _ = found["nearness"]["ci95"]
    assert found["nearness"]["value"] > 0.5 and low > 0.3
    assert found["copies"]["median"]["correlation"]["held_out"] < 0.5


def test_flagged_frames_are_dropped_and_listed(found: dict[str, Any], parts: tuple[Path, Path, int]) -> None:
    filtered = found["out"] / "filtered"
    kept, ids = load_datalist(filtered, "training"), [row["id"] for row in found["copies"]["frames"]]
    assert len(kept) == found["filtered"]["kept"] and not {item["id"] for item in kept} & set(ids)
    content = json.loads((filtered / "dataset.json").read_text())
    assert [row["id"] for row in content["dropped"]] == ids and f"{len(ids)} frames" in content["notes"][-1]
    manifest = json.loads((filtered / "manifest.json").read_text())
    assert manifest["count"] == len(kept) == len(manifest["images"]) and manifest["dropped"] == content["dropped"]
    assert manifest["audit"]["copies"]["ids"] == ids
    original = json.loads((parts[0] / "manifest.json").read_text())
    assert original["audit"]["copies"]["flagged"] == len(ids) and original["count"] == len(original["images"])


def test_numbers_page_and_table_are_written(found: dict[str, Any]) -> None:
    content = json.loads((found["out"] / "audit.json").read_text(), parse_constant=pytest.fail)
    assert content["copies"] == found["copies"] and len(content["scores"]["held_out"]) == 20
    page = (found["out"] / "audit.html").read_text()
    words = re.sub(r"base64,[A-Za-z0-9+/=]+", "", page)
    assert page.count("<svg") == 1 and page.count("data:image/png") == 12 and "NaN" not in words and "http" not in words
    text = audit_text(found)
    assert "Frames flagged as copies" in text and "mirrored" in text and found["extractor"]["sha256"][:16] in text


def test_small_warps_are_searched(phantom: Path, segmenter: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A training frame, warped as each variant says, still leads to itself."""
    items, table, network = load_datalist(phantom, "training"), read_label_table(phantom), domain_features(segmenter)
    gallery = build_gallery(items, table, SIZE, network)
    plain = next(frame_batches(items[:1], table, SIZE))
    for variant in VARIANTS[1:]:
        both = torch.stack([plain.image[0, 0], torch.from_numpy(plain.label[0]).float()])[None]
        image, label = copy_search._warped(both, variant)[0].round(decimals=4)
        ids = torch.where(label == label.round(), label, 4.0 * (label > 0.5)).to(torch.uint8)
        shown = (ids > 0).float()
        batch = FrameBatch((image * shown)[None, None], shown[None, None], ids.numpy()[None], items[:1])
        monkeypatch.setattr(copy_search, "frame_batches", lambda *_, batch=batch: iter([batch]))
        ((_, match),) = find_copies(items[:1], gallery, table, SIZE, network)
        assert match.nearest == 0 and match.correlation > 0.6, variant


def test_the_command_prints_and_tells_by_its_code(
    phantom: Path, parts: tuple[Path, Path, int], segmenter: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small = plant_copies(tmp_path / "set", load_datalist(phantom, "training")[:1], [], SIZE)
    arguments = [
        "audit",
        "--generator-set",
        small,
        "--training",
        phantom,
        "--held-out",
        parts[1],
        "--held-out-section",
        "test",
    ]
    arguments += ["--segmenter", segmenter, "--out", tmp_path / "out"]
    assert cli.main([str(argument) for argument in arguments]) == 1
    assert "4 of 4 (100.0 %)" in capsys.readouterr().out
    clean = plant_copies(tmp_path / "clean", [], load_datalist(phantom, "test")[1:3], SIZE)
    arguments[2] = clean
    assert cli.main([str(argument) for argument in arguments]) == 0


# bad input


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_prepared(tmp_path_factory.mktemp("tiny"), training=8, test=8)


def test_held_out_frames_must_be_held_out(tiny: Path, segmenter: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(EchoSynthError, match="got section 'training' for both"):
        run_audit(tiny, tiny, out, settings=AuditSettings(held_out_sections=("test", "training")))
    twin = tmp_path / "twin"
    shutil.copytree(tiny, twin)
    with pytest.raises(EchoSynthError, match=r"must not be among the training frames, got .*, which is "):
        run_audit(tiny, tiny, out, twin, settings=AuditSettings(held_out_sections=("training",), segmenter=segmenter))
    content = json.loads((twin / "dataset.json").read_text())
    (twin / "dataset.json").write_text(json.dumps({**content, "test": content["training"][:2]}))
    with pytest.raises(EchoSynthError, match="split by patient"):
        run_audit(tiny, twin, out, settings=OLD)
    (twin / "dataset.json").write_text(json.dumps({**content, "validation": [], "test": []}))
    with pytest.raises(EchoSynthError, match="needs held-out frames, got none in validation, test"):
        run_audit(tiny, twin, out)
    (twin / "dataset.json").write_text(json.dumps({**content, "validation": [], "test": content["test"][:2]}))
    with pytest.raises(EchoSynthError, match="at least 2 held-out patients, got 1"):
        run_audit(tiny, twin, out, settings=AuditSettings(segmenter=segmenter))
    assert not out.exists()


def test_networks_must_be_there(tiny: Path, segmenter: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(EchoSynthError, match="echo_segmentation bundle was expected"):
        run_audit(tiny, tiny, out, settings=AuditSettings(segmenter=tmp_path))
    with pytest.raises(EchoSynthError, match="echo_generative_diffusion bundle was expected"):
        run_audit(tiny, tiny, out, settings=AuditSettings(segmenter=segmenter, bundle=segmenter))
    with pytest.raises(EchoSynthError, match="must be between 0 and 1"):
        run_audit(tiny, tiny, out, settings=AuditSettings(segmenter=segmenter, false_alarms=0.0))


def test_uniform_frames_are_passed_over_and_bad_ones_named(tiny: Path, segmenter: Path, tmp_path: Path) -> None:
    flat = tmp_path / "flat"
    shutil.copytree(tiny, flat)
    items = load_datalist(flat, "training")
    image = nib.load(items[0]["image"])
    nib.save(nib.Nifti1Image(np.full(image.shape, 90, np.uint8), image.affine), items[0]["image"])
    found = run_audit(flat, tiny, tmp_path / "out", settings=AuditSettings(segmenter=segmenter))
    assert len(found["scores"]["synthetic"]) == 7 and any(
        "1 of 8 synthetic frames are uniform" in note for note in found["notes"]
    )
    assert any("19 are needed" in note for note in found["notes"])
    for item in items[1:]:
        nib.save(nib.Nifti1Image(np.full(image.shape, 90, np.uint8), image.affine), item["image"])
    with pytest.raises(EchoSynthError, match="synthetic frames that show something"):
        run_audit(flat, tiny, tmp_path / "none", settings=AuditSettings(segmenter=segmenter))
    with pytest.raises(EchoSynthError, match="training frames that show something"):
        run_audit(tiny, flat, tmp_path / "none", settings=AuditSettings(segmenter=segmenter))
    nib.save(nib.Nifti1Image(np.full(image.shape, np.nan, np.float32), image.affine), items[0]["image"])
    with pytest.raises(EchoSynthError, match="got NaN or infinity in"):
        run_audit(flat, tiny, tmp_path / "none", settings=AuditSettings(segmenter=segmenter))


def test_a_filtered_set_needs_room_and_something_to_keep(tiny: Path, tmp_path: Path) -> None:
    rows = [{"id": item["id"]} for item in load_datalist(tiny, "training")]
    with pytest.raises(EchoSynthError, match="must keep a frame, got 8 flagged"):
        write_filtered(tiny, tmp_path / "new", rows, {})
    with pytest.raises(EchoSynthError, match="new or empty folder"):
        write_filtered(tiny, tiny, rows[:1], {})
    assert write_filtered(tiny, tmp_path / "new", rows[:1], {}) == {"kept": 7, "dropped": 1}
    assert not (tmp_path / "new" / "manifest.json").exists()
