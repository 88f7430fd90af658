"""Synthetic instances: marked, measured, valid, and nobody's."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from monai_echosynth.errors import EchoSynthError
from monai_echosynth.integrations.dicom.read_ultrasound import read_ultrasound
from monai_echosynth.integrations.dicom.validators import Validator, available_validators, validate
from monai_echosynth.integrations.dicom.write_ultrasound import write_ultrasound
from tests.helpers.dicom_checks import table_errors
from tests.helpers.dicom_files import gray_ramp

pydicom = pytest.importorskip("pydicom", minversion="3")
pytest.importorskip("highdicom")


@pytest.mark.parametrize("count", [1, 4])
@pytest.mark.parametrize("synthetic", [True, False])
def test_round_trip_and_validity(tmp_path: Path, count: int, synthetic: bool) -> None:
    frames = gray_ramp(count, 25, 17).transpose(0, 2, 1)  # odd number of bytes
    spacing = (0.1 + 0.2, 1 / 3)
    path = write_ultrasound(tmp_path / "new" / "us.dcm", frames, spacing, "test", synthetic=synthetic, frame_ms=33.3)
    found = read_ultrasound(path)
    assert np.array_equal(found.frames, frames)
    assert found.spacing == pytest.approx(spacing, rel=1e-9)
    assert found.frame_ms == (33.3 if count > 1 else None)
    assert table_errors(path) == []
    if shutil.which(Validator.DCIODVFY):
        assert validate(path, Validator.DCIODVFY).errors == ()


def test_marks_of_a_synthetic_instance(tmp_path: Path) -> None:
    paths = [write_ultrasound(tmp_path / f"{n}.dcm", gray_ramp(2).transpose(0, 2, 1), (1, 1), "how") for n in "ab"]
    first, second = (pydicom.dcmread(path) for path in paths)
    assert first[0x0008, 0x001C].value == "YES"
    item = first.ContributingEquipmentSequence[0]
    code = item.PurposeOfReferenceCodeSequence[0]
    assert (code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning) == (
        "109100",
        "DCM",
        "Synthesizing Equipment",
    )
    assert item.Manufacturer and item.ContributionDescription == first.DerivationDescription == "how"
    assert list(first.ImageType)[:2] == ["DERIVED", "PRIMARY"]
    for key in ("SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID"):
        assert first[key].value != second[key].value
    assert first.PatientID == "SYNTHETIC" and not first.PatientBirthDate and not first.PatientSex
    assert "SourceImageSequence" not in first


def test_validator_finds_a_broken_instance(tmp_path: Path) -> None:
    path = write_ultrasound(tmp_path / "us.dcm", gray_ramp(2).transpose(0, 2, 1), (1, 1), "how")
    dataset = pydicom.dcmread(path)
    del dataset.Modality, dataset.FrameTime
    dataset.save_as(path)
    assert [line.split()[0] for line in table_errors(path)] == ["Modality"]
    if Validator.DCIODVFY in available_validators():
        assert any("Modality" in line for line in validate(path, Validator.DCIODVFY).errors)


def test_refusals(tmp_path: Path) -> None:
    for frames in (np.zeros((4, 4), np.uint8), np.zeros((0, 4, 4), np.uint8), np.zeros((1, 4, 4))):
        with pytest.raises(EchoSynthError, match="uint8 frames"):
            write_ultrasound(tmp_path / "a.dcm", frames, (1, 1), "test")
    for spacing in ((0.0, 1.0), (1.0, -1.0), (float("nan"), 1.0)):
        with pytest.raises(EchoSynthError, match="two positive lengths"):
            write_ultrasound(tmp_path / "a.dcm", np.zeros((1, 4, 4), np.uint8), spacing, "test")
    assert list(tmp_path.iterdir()) == []
