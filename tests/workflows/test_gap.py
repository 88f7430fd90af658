"""The gap of sets whose difference is known, the files and the table of the command, and what it refuses."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
import torch

from monai_echosynth import cli
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.workflows.domain_classifier import ClassifierSettings, FrameStack, cross_fit
from monai_echosynth.workflows.gap import GAPS, compare, measure_domain, measure_gap
from monai_echosynth.workflows.gap_study import gap_segmenter, run_gap
from monai_echosynth.workflows.gap_table import gap_rows, gap_text
from tests.helpers.speckle_frames import speckle_frames, write_speckle_set
from tests.helpers.tiny_prepared import write_tiny_prepared
from tests.helpers.tiny_segmenter import TINY_SEGMENTER

SHORT = ClassifierSettings(steps=30, batch_size=16)


@pytest.fixture(scope="module", autouse=True)
def short_training() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("monai_echosynth.workflows.gap.cross_fit", partial(cross_fit, settings=SHORT))
        yield


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Path:
    sections = {
        "training": speckle_frames(24, seed=1),
        "validation": speckle_frames(2, seed=2),
        "test": speckle_frames(32, seed=3),
    }
    return write_speckle_set(tmp_path_factory.mktemp("real"), sections)


@pytest.fixture(scope="module")
def half(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_speckle_set(tmp_path_factory.mktemp("half"), {"training": speckle_frames(32, seed=4)}, prefix="other")


@pytest.fixture(scope="module")
def blurred(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_speckle_set(tmp_path_factory.mktemp("soft"), {"training": speckle_frames(32, blur=0.7, seed=5)})


@pytest.fixture(scope="module")
def segmenter(real: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return gap_segmenter(real, tmp_path_factory.mktemp("bundle") / "segmenter", TINY_SEGMENTER, progress=False)


@pytest.fixture(scope="module")
def found(real: Path, blurred: Path, segmenter: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return run_gap(real, blurred, tmp_path_factory.mktemp("found"), segmenter=segmenter, progress=False)


def test_two_halves_of_one_distribution_are_close(real: Path, half: Path, segmenter: Path) -> None:
    result = measure_gap(real, half, segmenter)
    assert result["notes"] == []
    values = {name: gap["value"] for name, gap in result["gaps"].items()}
    assert tuple(values) == GAPS
    assert values["spectrum"] < 0.6 and values["gradient"] < 1.0
    assert max(values[name] for name in ("speckle", "grain", "sharpness")) < 0.05
    low, high = result["gaps"]["classifier"]["ci95"]
    assert low < 0.5 < high
    assert abs(values["kid"]) < 4.0 * result["gaps"]["kid"]["sd"]


def test_a_blurred_set_is_detected_by_every_measure(found: dict[str, Any]) -> None:
    assert found["gaps"]["classifier"]["auc"] > 0.9
    for name in GAPS:
        assert found["gaps"][name]["value"] > 2.0 * abs(found["floor"]["gaps"][name]["value"]), name


def test_the_real_side_is_measured_once_and_results_follow_the_seed(real: Path, half: Path, blurred: Path) -> None:
    first = measure_domain(real, "test", frames=12)
    others = [measure_domain(folder, frames=12) for folder in (half, blurred)]
    before = torch.random.get_rng_state()
    results = [compare(first, other, seed=3) for other in (*others, others[0])]
    assert torch.equal(torch.random.get_rng_state(), before)
    assert results[0] == results[2] != results[1]
    assert results[0]["real"] == {
        "folder": str(real),
        "section": "test",
        "frames": 12,
        "patients": results[0]["real"]["patients"],
    }
    assert any("needs a segmenter" in note for note in results[0]["notes"])
    assert results[0]["gaps"]["kid"]["value"] is None


def test_each_frame_is_scored_by_a_network_that_has_not_seen_its_patient() -> None:
    """Labels that only memory could tell: equal noise in both classes."""
    rng = np.random.default_rng(0)
    images = rng.normal(size=(2, 24, 32, 32)).astype(np.float32)
    stacks = [FrameStack(part, tuple(f"p{i // 2}" for i in range(24))) for part in images]
    fit = cross_fit(stacks[0], stacks[1], settings=SHORT)
    assert (fit.real_fold == fit.synthetic_fold).all()  # the patients are the same
    assert abs(fit.synthetic.mean() - fit.real.mean()) < 2.0 * fit.real.std()
    again = cross_fit(stacks[0], stacks[1], settings=SHORT)
    assert (fit.real == again.real).all() and (fit.synthetic == again.synthetic).all()


def test_native_frames_are_measured_on_the_training_grid(tmp_path: Path) -> None:
    folder = write_tiny_prepared(tmp_path / "tiny", test=8)
    native = measure_domain(folder, "test")
    assert native.size == 32 and native.stack.images.shape == (8, 32, 32)
    assert compare(native, measure_domain(folder))["gaps"]["grain"]["value"] < 0.5
    with pytest.raises(EchoSynthError, match="on one grid, got 32 and 24 pixels"):
        compare(native, measure_domain(folder, size=24))


def test_numbers_page_and_table_are_written(found: dict[str, Any], real: Path, blurred: Path) -> None:
    assert found["real"]["folder"] == str(real) and found["synthetic"]["folder"] == str(blurred)
    assert found["floor"]["synthetic"]["section"] == "training"
    assert set(found["seconds"]) == {"segmenter", "real", "synthetic", "comparison", "floor"}
    rows = gap_rows(found)
    assert len(rows) == len(GAPS) and all(all(row[:3]) for row in rows)
    assert gap_text(found).splitlines()[0].split() == ["Gap", "Real", "vs", "real", "Real", "Synthetic"]


def test_the_command_prints_the_table(
    real: Path, half: Path, segmenter: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["gap", str(real), str(half), "--out", str(tmp_path), "--segmenter", str(segmenter), "--frames", "8"]
    assert cli.main([*arguments, "--real-train-section", "none"]) == 0
    assert "Kernel distance" in capsys.readouterr().out
    content = json.loads((tmp_path / "gap.json").read_text(), parse_constant=pytest.fail)
    assert content["floor"] is None and content["synthetic"]["frames"] == 8
    page = (tmp_path / "gap.html").read_text()
    assert page.count("<svg") == 4 and "http" not in page and "NaN" not in page


def test_the_segmenter_is_kept_and_belongs_to_its_frames(real: Path, half: Path, tmp_path: Path) -> None:
    bundle = gap_segmenter(real, tmp_path / "segmenter", TINY_SEGMENTER, progress=False)
    weights = bundle / "models" / "model.safetensors"
    written = weights.stat().st_mtime_ns
    assert gap_segmenter(real, tmp_path / "segmenter", TINY_SEGMENTER) == bundle
    assert weights.stat().st_mtime_ns == written
    with pytest.raises(EchoSynthError, match="choose another output folder"):
        gap_segmenter(half, tmp_path / "segmenter", TINY_SEGMENTER)


def test_an_absent_structure_is_left_out_with_a_note(real: Path, tmp_path: Path) -> None:
    folder = write_speckle_set(tmp_path / "no_cavity", {"training": speckle_frames(6, seed=6, drop=1)})
    result = measure_gap(real, folder, frames=6)
    assert any("speckle in cavity is left out" in note for note in result["notes"])
    assert result["gaps"]["speckle"]["value"] is not None
    assert gap_rows(result)


def test_uniform_frames_are_left_out_with_a_note(real: Path, tmp_path: Path) -> None:
    frames = speckle_frames(8, seed=7)
    for frame in frames[:3]:
        frame.image[...] = 0.5 * frame.sector
    folder = write_speckle_set(tmp_path / "some", {"training": frames})
    result = measure_gap(real, folder, frames=8)
    assert any("3 of 8 frames are uniform" in note for note in result["notes"])
    for frame in frames:
        frame.image[...] = 0.5 * frame.sector
    with pytest.raises(
        EchoSynthError, match="at least 4 frames with an image inside the sector are needed, got 0 of 8"
    ):
        measure_gap(real, write_speckle_set(tmp_path / "all", {"training": frames}))


def test_one_patient_leaves_the_classifier_out(real: Path, tmp_path: Path) -> None:
    folder = write_speckle_set(tmp_path / "one", {"training": speckle_frames(6)}, per_patient=6)
    result = measure_gap(real, folder, frames=6)
    assert result["gaps"]["classifier"]["auc"] is None
    assert any("classifier is left out" in note and "2 patients" in note for note in result["notes"])


def test_a_missing_floor_is_a_note(half: Path, blurred: Path, segmenter: Path, tmp_path: Path) -> None:
    options = {"segmenter": segmenter, "frames": 4, "section": "training", "progress": False}
    result = run_gap(half, blurred, tmp_path, floor_section="test", **options)
    assert result["floor"] is None and "the floor is left out" in result["notes"][-1]
    with pytest.raises(EchoSynthError, match="another section"):
        run_gap(half, blurred, tmp_path, floor_section="training", **options)


def test_other_labels_are_refused(real: Path, tmp_path: Path) -> None:
    tiny = write_tiny_prepared(tmp_path / "tiny", size=64)
    with pytest.raises(EchoSynthError, match="must share one label table"):
        measure_gap(real, tiny)
    with pytest.raises(EchoSynthError, match="same labels"):
        compare(measure_domain(real, "test", frames=4), measure_domain(tiny))


def test_bad_input_is_refused_before_anything_is_written(real: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    empty = write_speckle_set(tmp_path / "empty", {})
    with pytest.raises(EchoSynthError, match="at least one frame"):
        run_gap(real, empty, out)
    few = write_speckle_set(tmp_path / "few", {"training": speckle_frames(3)})
    with pytest.raises(EchoSynthError, match="at least 4 frames a set are needed, got 3 in section 'training'"):
        run_gap(real, few, out)
    with pytest.raises(EchoSynthError, match="raise the limit"):
        run_gap(real, real, out, frames=3)
    with pytest.raises(EchoSynthError, match="echosynth prepare"):
        run_gap(real, tmp_path / "missing", out)
    with pytest.raises(EchoSynthError, match="trained echo_segmentation bundle"):
        run_gap(real, real, out, segmenter=tmp_path / "missing")
    assert not out.exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda item: item.pop("label"), "its image and its label map"),
        (lambda item: item.update(image=item["image"].replace(".nii.gz", ".png")), "need a pixel size"),
        (lambda item: item.update(image="nan.nii"), "got NaN or infinity"),
        (lambda item: item.update(label="unknown.nii"), "label ids must be in the table 'rings'"),
    ],
)
def test_a_bad_frame_is_named(real: Path, tmp_path: Path, change: Any, message: str) -> None:
    folder = write_speckle_set(tmp_path / "bad", {"training": speckle_frames(6)})
    content = json.loads((folder / "dataset.json").read_text())
    image = np.full((64, 64), np.nan, np.float32)
    nib.save(nib.Nifti1Image(image, np.eye(4)), folder / "nan.nii")
    nib.save(nib.Nifti1Image(np.full((64, 64), 9, np.uint8), np.eye(4)), folder / "unknown.nii")
    change(content["training"][0])
    (folder / content["training"][0]["image"]).touch()
    (folder / "dataset.json").write_text(json.dumps(content))
    with pytest.raises(EchoSynthError, match=message):
        measure_gap(real, folder)


def test_a_folder_without_a_grid_size_is_refused(real: Path, tmp_path: Path) -> None:
    folder = write_speckle_set(tmp_path / "sizeless", {"training": speckle_frames(4)})
    content = json.loads((folder / "dataset.json").read_text())
    (folder / "dataset.json").write_text(json.dumps({**content, "spatial_size": "big"}))
    with pytest.raises(EchoSynthError, match="spatial_size"):
        measure_gap(real, folder)
