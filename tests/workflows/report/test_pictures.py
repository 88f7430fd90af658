"""Which frames are shown: the same mask before an augmented one, best to worst patient, no unrelated pairs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from monai_echosynth.workflows.report.frames import frames_section
from monai_echosynth.workflows.report.predictions import predictions_section
from monai_echosynth.workflows.report.study import Study, load_study


@pytest.fixture
def study(tmp_path: Path, make_study: Callable[[Path], Path]) -> Study:
    return load_study(make_study(tmp_path))


def shift_labels(study: Study, pixels: int) -> None:
    for path in (study.root / "synthetic" / "labels").iterdir():
        volume = nib.load(path)
        array = np.roll(np.asarray(volume.dataobj), pixels, axis=0)
        nib.save(nib.Nifti1Image(array, volume.affine), path)


def test_exact_masks_need_no_remark(study: Study) -> None:
    body = frames_section(study).body
    assert "augmented" not in body
    assert body.count("Synthetic 4") == 4


def test_an_augmented_mask_is_said_so(study: Study) -> None:
    shift_labels(study, 1)
    assert "mask augmented; Dice 0.8" in frames_section(study).body


def test_unrelated_masks_are_not_shown(study: Study) -> None:
    shift_labels(study, 30)
    assert "no frames are shown" in frames_section(study).body


def test_the_mask_key_pairs_frames_of_other_patients(study: Study) -> None:
    path = study.root / "synthetic" / "dataset.json"
    data = json.loads(path.read_text())
    for entry in data["training"]:
        entry["mask"], entry["patient"] = entry["id"].rsplit("_", 1)[0], "someone"
    path.write_text(json.dumps(data))
    assert frames_section(study).body.count("Synthetic 1") == 4


def test_patients_without_synthetic_frames_do_not_crowd_out_the_others(study: Study) -> None:
    path = study.root / "prepared" / "dataset.json"
    data = json.loads(path.read_text())
    others = [{**data["training"][0], "id": f"other{i}_4CH_ED", "patient": f"other{i}"} for i in range(40)]
    path.write_text(json.dumps({**data, "training": others + data["training"]}))
    assert frames_section(study).body.count("Synthetic 1") == 4


def test_patients_are_ranked_by_the_synthetic_arm(study: Study) -> None:
    body = predictions_section(study).body
    titles = [part.split("</h3>")[0] for part in body.split("<h3>")[1:]]
    assert [title.split(",")[0] for title in titles] == ["Best patient", "Median patient", "Worst patient"]
    assert [title.split(": ")[1].split(" ")[0] for title in titles] == ["patient0050", "patient0052", "patient0053"]
    assert "mean Dice 0.917" in titles[0]


def test_a_prediction_of_another_size_is_left_out(study: Study) -> None:
    for path in (study.root / "evaluation" / "mixed" / "predictions").iterdir():
        nib.save(nib.Nifti1Image(np.zeros((4, 4), np.uint8), np.eye(4)), path)
    assert "Real + synthetic, Dice" not in predictions_section(study).body
