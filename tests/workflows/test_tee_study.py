"""The adaptation study from its base to its report, tiny: every stage runs, a second call does nothing."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest

from monai_echosynth.data.atomic import write_json
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.workflows.adaptation_settings import PARAMETERS, AdaptationSettings
from monai_echosynth.workflows.segmentation import SegmentationSettings
from monai_echosynth.workflows.tee_settings import TeeSettings
from monai_echosynth.workflows.tee_study import run_tee_study
from tests.helpers.tiny_aligner import TINY_ALIGNER
from tests.helpers.tiny_generator import write_tiny_bundle

pytest.importorskip("peft", reason="adapters: install the extra lora")

STUDY = TeeSettings(
    frames=(8, 12),
    compared=("spade", "base"),
    size=64,
    patients=12,
    n_test=3,
    adaptation=AdaptationSettings(epochs=1, samples_per_epoch=8, batch_size=4, variants=2),
    segmentation=SegmentationSettings(spatial_size=64, base_features=8, iterations=4, batch_size=4, epoch_iterations=2),
    alignment=replace(TINY_ALIGNER, epochs=1),
    synthetic=8,
    solver="euler",
    nfe=2,
)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = write_tiny_bundle(tmp_path_factory.mktemp("base"))
    path = root / "configs" / "inference.json"
    write_json(path, {**json.loads(path.read_text()), "spatial_size": STUDY.size})
    return root


@pytest.fixture(scope="module")
def study(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run_tee_study(tmp_path_factory.mktemp("study") / "tee", base, settings=STUDY).parent


@pytest.mark.timeout(300)
def test_every_arm_of_every_cell_is_scored(study: Path) -> None:
    summary = json.loads((study / "summary.json").read_text())
    assert (
        summary["data"]["frames"] == [8, 12] and summary["data"]["test"] == 6 and summary["data"]["test_patients"] == 3
    )
    arms = {f"{arm}_{count}" for arm in ("real", "affine", "synthetic", "mixed", "aligned") for count in (8, 12)}
    arms |= {f"synthetic_8_{name}" for name in STUDY.compared}
    assert set(summary["dice"]) == {*arms, "reference"}
    for scores in summary["dice"].values():
        assert list(scores) == ["la", "lv", "ra", "rv", "mean"]
    assert set(summary["paired_difference"]["mixed_12_minus_affine_12"]) == {"la", "lv", "ra", "rv", "mean"}


def test_compared_adapters_have_one_size(study: Path) -> None:
    rows = json.loads((study / "summary.json").read_text())["adaptations"]
    assert set(rows) == {"8", "12", "8_spade", "8_base"}
    assert rows["8_spade"]["params"] == pytest.approx(PARAMETERS, rel=0.05)
    assert rows["8"]["params"] == rows["12"]["params"] and rows["8_base"]["params"] == 0


def test_the_base_is_judged_as_it_is(study: Path, base: Path) -> None:
    digest = hashlib.sha256((base / "models" / "diffusion.safetensors").read_bytes()).hexdigest()
    network = study / "adapter_8_base" / "models" / "network.safetensors"
    assert hashlib.sha256(network.read_bytes()).hexdigest() == digest


def test_the_mixed_arm_goes_over_from_synthetic_to_real_frames(study: Path) -> None:
    record = json.loads((study / "stages" / "segmenter_mixed_8.json").read_text())
    assert record["settings"]["extra_share"] > 0.5 and record["metrics"]["frames"] == 16
    config = json.loads((study / "segmenter_mixed_8" / "training.json").read_text())
    assert config["dataset_dir"].endswith("few_8") and len(config["extra_dataset_dirs"]) == 2


def test_the_aligned_arm_has_the_same_masks_and_other_frames(study: Path) -> None:
    made, aligned = (
        json.loads((study / name / "manifest.json").read_text())["images"]
        for name in ("generate_shapes_8", "aligned_generate_shapes_8")
    )
    assert [record["mask"] for record in made] == [record["mask"] for record in aligned]
    assert all(a["image_sha256"] != b["image_sha256"] for a, b in zip(made, aligned, strict=True))
    summary = json.loads((study / "summary.json").read_text())
    assert set(summary["adaptations"]["8"]["aligned"]) == {"masks_of_frames", "masks_of_shape_model"}
    assert "aligned" not in summary["adaptations"]["8_spade"]
    assert "aligned_8_minus_real_8" in summary["paired_difference"]


def test_synthetic_frames_keep_the_labels_of_the_target(study: Path) -> None:
    for name in ("generate_8", "generate_shapes_12", "generate_8_base"):
        content = json.loads((study / name / "dataset.json").read_text())
        assert list(content["labels"].values()) == ["outside", "la", "lv", "ra", "rv", "sector"]


def test_the_report_shows_curves_frames_and_rules(study: Path) -> None:
    page = (study / "report.html").read_text()
    for part in ("Paired differences", "Adaptations", "Label rules", "Dice over the number of real frames"):
        assert part in page
    assert page.count("data:image/png;base64,") == 2


def test_a_second_run_does_nothing(study: Path, base: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_tee_study(study, base, settings=STUDY)
    assert "starts" not in capsys.readouterr().out


def test_prepared_frames_take_the_place_of_the_phantom(study: Path, base: Path, tmp_path: Path) -> None:
    own = replace(STUDY, frames=(8,), compared=())
    data = study / "target" / "prepared"
    summary = json.loads((run_tee_study(tmp_path, base, data, settings=own).parent / "summary.json").read_text())
    assert summary["data"]["source"] == "prepared"
    assert not (tmp_path / "target").exists()


def test_an_unknown_adaptation_is_named(tmp_path: Path) -> None:
    with pytest.raises(EchoSynthError, match="'dense'"):
        run_tee_study(tmp_path, settings=replace(STUDY, compared=("dense",)))
