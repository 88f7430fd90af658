"""The fingerprint counts what was written."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from monai_echosynth.data.datalist import load_datalist
from monai_echosynth.data.fingerprint import fingerprint_frames
from monai_echosynth.errors import EchoSynthError
from tests.helpers.tiny_prepared import write_tiny_prepared


def test_fingerprint_of_known_frames(tmp_path: Path) -> None:
    label = np.zeros((10, 20), np.uint8)
    label[:, :5] = 1
    label[:, 5:10] = 4
    image = np.where(label == 1, 100, 7).astype(np.uint8)
    for name, data in (("image", image), ("label", label)):
        nib.save(nib.Nifti1Image(data, np.diag([0.5, 0.25, 1, 1])), tmp_path / f"{name}.nii.gz")
    item = {"image": str(tmp_path / "image.nii.gz"), "label": str(tmp_path / "label.nii.gz"), "patient": "a"}
    found = fingerprint_frames([item, item])
    assert (found.frames, found.patients, found.median_shape) == (2, 1, (10, 20))
    assert found.median_spacing == pytest.approx((0.5, 0.25))
    assert (found.intensity_mean, found.intensity_std) == (100.0, 0.0)
    assert found.class_shares == {"0": 0.5, "1": 0.25, "4": 0.25}
    found.save(tmp_path / "fingerprint.json")
    assert json.loads((tmp_path / "fingerprint.json").read_text())["frames"] == 2


def test_no_frames_and_no_structures_are_refused(tmp_path: Path) -> None:
    items = load_datalist(write_tiny_prepared(tmp_path), "training")
    assert fingerprint_frames(items).patients == 3
    with pytest.raises(EchoSynthError, match="at least one labeled frame"):
        fingerprint_frames([])
    with pytest.raises(EchoSynthError, match="must show a structure"):
        fingerprint_frames(items, foreground=(9,))
