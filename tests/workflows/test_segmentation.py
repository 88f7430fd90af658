"""One arm from prepared frames to scores, on tiny frames; continuation and errors."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest

from monai_echosynth.data.datalist import load_datalist
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.workflows.evaluate import compare_arms, evaluate_segmenter, mask_adherence, score_table
from monai_echosynth.workflows.score import score_predictions
from monai_echosynth.workflows.segmentation import SegmentationSettings, train_segmenter
from monai_echosynth.workflows.training_settings import whole_epochs
from tests.helpers.tiny_prepared import write_tiny_prepared

SETTINGS = SegmentationSettings(
    spatial_size=32,
    base_features=6,
    iterations=60,
    batch_size=4,
    epoch_iterations=30,
    val_interval=2,
    learning_rate=0.01,
)

pytestmark = pytest.mark.filterwarnings("ignore:Converting a tensor with requires_grad=True")


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_prepared(tmp_path_factory.mktemp("prepared"), training=8)


@pytest.fixture(scope="module")
def arm(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, float]]:
    out = tmp_path_factory.mktemp("segmenters") / "real"
    extra = write_tiny_prepared(tmp_path_factory.mktemp("extra"), seed=1)
    return out, train_segmenter(out, [prepared, extra], SETTINGS, progress=False)


def test_trained_arm_is_a_bundle_and_scores(arm: tuple[Path, dict[str, float]], prepared: Path, tmp_path: Path) -> None:
    out, metrics = arm
    assert metrics["frames"] == 14
    assert metrics["iterations"] == 60
    assert metrics["validation_dice"] > 0.5
    assert {path.name for path in (out / "models").iterdir()} == {"SHA256SUMS", "model.pt", "model.safetensors"}
    inference = json.loads((out / "configs" / "inference.json").read_text())
    assert (inference["spatial_size"], inference["base_features"]) == (32, 6)
    assert json.loads((out / "fingerprint.json").read_text())["frames"] == 14
    assert json.loads((out / "plan.json").read_text())["features"] == [6, 12, 24, 48]
    scores = evaluate_segmenter(out, prepared, tmp_path / "evaluation")
    assert (scores["frames"], scores["patients"]) == (4, 2)
    assert set(scores["dice"]) == {"lv_endo", "myo", "lv_epi", "la"}
    assert scores["dice"]["lv_epi"]["mean"] > 0.7
    low, high = scores["dice"]["lv_epi"]["ci95"]
    assert low <= scores["dice"]["lv_epi"]["mean"] <= high
    assert 0 < scores["hd95_mm"]["lv_epi"]["mean"] < 20
    summary = json.loads((tmp_path / "evaluation" / "summary.json").read_text())
    assert len(summary["metric_per_case"]) == 4
    assert summary["metric_per_case"][0]["prediction_file"].startswith("predictions/")
    again = compare_arms(summary, summary)
    assert again["mean"] == {"mean": 0.0, "ci95": [0.0, 0.0]}
    adherence = mask_adherence(out, prepared, tmp_path / "adherence")
    assert adherence["frames"] == 8


def test_folder_of_another_training_is_refused(arm: tuple[Path, dict[str, float]], prepared: Path) -> None:
    other = replace(SETTINGS, iterations=30)
    with pytest.raises(EchoSynthError, match="iterations = 60, not 30"):
        train_segmenter(arm[0], [prepared], other, progress=False)


def test_perfect_predictions_score_one_and_gaps_are_named(prepared: Path, tmp_path: Path) -> None:
    items = load_datalist(prepared, "test")
    for item in items:
        label = nib.load(item["label"])
        data = np.where(np.asanyarray(label.dataobj) == 4, 0, np.asanyarray(label.dataobj)).astype(np.uint8)
        nib.save(nib.Nifti1Image(data, label.affine), tmp_path / f"{item['id']}.nii.gz")
    summary = score_predictions(tmp_path, items, tmp_path / "summary.json")
    table = score_table(summary)
    assert all(row["mean"] == 1.0 for row in table["dice"].values())
    assert all(row["mean"] == 0.0 for row in table["assd_mm"].values())
    assert not math.isnan(summary["foreground_mean"]["Dice"])
    (tmp_path / f"{items[1]['id']}.nii.gz").unlink()
    with pytest.raises(EchoSynthError, match=items[1]["id"]):
        score_predictions(tmp_path, items, tmp_path / "summary.json")
    nib.save(nib.Nifti1Image(np.zeros((3, 3), np.uint8), np.eye(4)), tmp_path / f"{items[1]['id']}.nii.gz")
    with pytest.raises(EchoSynthError, match="grid of its reference"):
        score_predictions(tmp_path, items, tmp_path / "summary.json")


def _summary(*frames: dict[str, float]) -> dict[str, Any]:
    """What ``score_predictions`` returns for frames with these Dice by label; HD is 1 mm where one is defined."""
    keys = ("1", "2", "(1, 2)", "3")
    cases = [
        {
            "reference_file": f"{number}.nii.gz",
            "patient": str(number),
            "metrics": {
                key: {"Dice": (dice := frame.get(key, math.nan)), **dict.fromkeys(("HD", "HD95", "ASSD"), dice)}
                for key in keys
            },
        }
        for number, frame in enumerate(frames)
    ]
    return {"metric_per_case": cases}


def test_labels_that_a_frame_does_not_show_are_left_out_of_its_mean() -> None:
    without_atrium = {"1": 0.8, "2": 0.6, "(1, 2)": 0.7}
    table = score_table(_summary(without_atrium, without_atrium))
    assert table["mean_dice"]["mean"] == pytest.approx(0.7) and table["dice"]["la"]["mean"] is None
    some = score_table(_summary(without_atrium, {**without_atrium, "3": 0.1}))
    assert some["mean_dice"]["mean"] == pytest.approx((0.7 + 0.5) / 2) and some["dice"]["la"]["mean"] == 0.1
    with pytest.raises(EchoSynthError, match="no frame of 2 shows lv_endo or myo"):
        score_table(_summary({}, {}))


def test_steps_are_those_of_whole_epochs(prepared: Path, tmp_path: Path) -> None:
    asked = replace(SETTINGS, iterations=9, epoch_iterations=4)
    assert whole_epochs(9, 4) == (8, 4) and whole_epochs(3, 4) == (3, 3)
    with pytest.raises(EchoSynthError, match="makes 1 step or more, got 0"):
        train_segmenter(tmp_path / "none", prepared, replace(asked, iterations=0), progress=False)
    assert not (tmp_path / "none").exists()
    assert train_segmenter(tmp_path / "arm", prepared, asked, progress=False)["iterations"] == 8
    history = json.loads((tmp_path / "arm" / "eval" / "history.json").read_text())
    assert history[-1]["iteration"] == 8


def test_errors_name_what_is_missing(prepared: Path, tmp_path: Path) -> None:
    with pytest.raises(EchoSynthError, match="at least one prepared folder"):
        train_segmenter(tmp_path, [], SETTINGS)
    with pytest.raises(EchoSynthError, match="bundle with configs"):
        evaluate_segmenter(tmp_path / "none", prepared, tmp_path)
