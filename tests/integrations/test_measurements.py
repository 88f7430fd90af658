"""Areas, volumes and ejection fraction of drawn ellipses against closed forms."""

from __future__ import annotations

import json

import numpy as np
import pytest
from numpy.typing import NDArray

from monai_echosynth.data.builtin_labels import CAMUS_LABELS, TEE_LABELS
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.integrations.measurements import measure
from tests.helpers.dicom_files import disk_labels

SPACING = (0.4, 0.3)


def beat(scales: list[float]) -> NDArray[np.uint8]:
    """Ellipsoidal cavities (F, X, Y) with half axes 20 and 40 mm times each scale."""
    x, y = np.meshgrid(*[(np.arange(n) + 0.5) * s for n, s in zip((150, 320), SPACING, strict=True)], indexing="ij")
    return np.stack([((x - 30) / (20 * k)) ** 2 + ((y - 48) / (40 * k)) ** 2 <= 1 for k in scales]).astype(np.uint8)


def volume(scale: float) -> float:
    return 4 / 3 * np.pi * 2.0 * 2.0 * 4.0 * scale**3


def test_areas_of_disks() -> None:
    radii = [12.0, 9.0]
    labels = disk_labels((150, 160), radii, SPACING)
    areas = measure(labels, CAMUS_LABELS, SPACING)["areas_cm2"]
    assert list(areas) == ["lv_endo", "myo", "la"]
    assert areas["lv_endo"] == pytest.approx([np.pi * (r / 10) ** 2 for r in radii], rel=0.01)
    assert areas["myo"] == pytest.approx([np.pi * (r / 10) ** 2 * (1.3**2 - 1) for r in radii], rel=0.01)


def test_ejection_fraction_of_a_beat() -> None:
    found = measure(beat([0.9, 1.0, 0.8, 0.7, 0.75]), CAMUS_LABELS, SPACING)["left_ventricle"]
    assert (found["end_diastole"]["frame"], found["end_systole"]["frame"]) == (2, 4)
    assert found["end_diastole"]["volume_ml"] == pytest.approx(volume(1.0), rel=0.01)
    assert found["end_systole"]["volume_ml"] == pytest.approx(volume(0.7), rel=0.01)
    assert found["ejection_fraction_percent"] == pytest.approx(100 * (1 - 0.7**3), abs=0.5)
    assert "Lang" in found["source"] and "disks" in found["method"] and not found["note"]
    json.dumps(found)


def test_named_frames_win() -> None:
    labels = beat([0.9, 1.0, 0.8, 0.7])
    found = measure(labels, CAMUS_LABELS, SPACING, ed_frame=1, es_frame=3)["left_ventricle"]
    assert (found["end_diastole"]["frame"], found["end_systole"]["frame"]) == (1, 3)
    assert found["ejection_fraction_percent"] == pytest.approx(100 * (1 - (0.8 / 0.9) ** 3), abs=0.5)


def test_frames_without_a_cavity_are_no_systole() -> None:
    labels = beat([1.0, 0.8, 0.9])
    labels[2] = 0
    found = measure(labels, CAMUS_LABELS, SPACING)["left_ventricle"]
    assert found["end_systole"]["frame"] == 2
    named = measure(labels, CAMUS_LABELS, SPACING, es_frame=3)["left_ventricle"]
    assert named["ejection_fraction_percent"] is None and "frame 3 shows no cavity" in named["note"]


def test_one_frame_gives_a_volume_alone() -> None:
    found = measure(beat([1.0]), CAMUS_LABELS, SPACING)["left_ventricle"]
    assert found["end_diastole"]["volume_ml"] == pytest.approx(volume(1.0), rel=0.01)
    assert found["end_systole"] is None and found["ejection_fraction_percent"] is None and "one frame" in found["note"]


def test_no_ventricle() -> None:
    found = measure(np.zeros((2, 9, 9), np.uint8), CAMUS_LABELS, SPACING)["left_ventricle"]
    assert found["end_diastole"] is None and "no left ventricular cavity" in found["note"]
    tee = measure(2 * beat([1.0]), TEE_LABELS, SPACING)["left_ventricle"]
    assert tee["end_diastole"]["volume_ml"] == pytest.approx(volume(1.0), rel=0.01)


@pytest.mark.parametrize(("frames", "words"), [((0, None), "end-diastolic"), ((None, 3), "end-systolic")])
def test_frame_out_of_range(frames: tuple[int | None, int | None], words: str) -> None:
    with pytest.raises(EchoSynthError, match=f"the {words} frame must be one of 1 to 2, got [03]: correct"):
        measure(beat([1.0, 0.8]), CAMUS_LABELS, SPACING, *frames)
