"""Label maps through DICOM SEG and back; highdicom, which is not ours, must read the same masks."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from monai_echosynth.data.builtin_labels import CAMUS_LABELS, SEMANTIC_LABELS, TEE_LABELS
from monai_echosynth.data.label_table import LabelTable
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.integrations.dicom.cine import UltrasoundCine
from monai_echosynth.integrations.dicom.read_segmentation import read_segmentation
from monai_echosynth.integrations.dicom.read_ultrasound import read_ultrasound
from monai_echosynth.integrations.dicom.validators import Validator, validate
from monai_echosynth.integrations.dicom.write_overlay import write_overlay
from monai_echosynth.integrations.dicom.write_segmentation import Algorithm, write_segmentation
from monai_echosynth.workflows.deploy_checks import segment_masks
from tests.helpers.dicom_checks import table_errors
from tests.helpers.dicom_files import disk_labels, gray_ramp, save, ultrasound

pydicom = pytest.importorskip("pydicom", minversion="3")
pytest.importorskip("highdicom")

ALGORITHM = Algorithm("tests", "1.2")
SPACING = (0.5, 0.25)
RADII = [2.5, 2.0, 1.5]

Map = NDArray[np.uint8]


@pytest.fixture(params=[1, 3], ids=["single", "cine"])
def cine(request: pytest.FixtureRequest, tmp_path: Path) -> UltrasoundCine:
    """An instance of 40 columns and 50 rows."""
    return read_ultrasound(save(ultrasound(gray_ramp(request.param, 40, 50)), tmp_path / "us.dcm"))


def labels_of(cine: UltrasoundCine) -> Map:
    return disk_labels((40, 50), RADII[: len(cine.frames)], SPACING)


def test_round_trip(cine: UltrasoundCine, tmp_path: Path) -> None:
    labels = labels_of(cine)
    path = write_segmentation(tmp_path / "seg.dcm", cine, labels, CAMUS_LABELS, ALGORITHM)
    found = read_segmentation(path, CAMUS_LABELS)
    assert np.array_equal(found.labels, labels)
    assert found.numbers == tuple(range(1, len(labels) + 1))
    assert found.spacing == pytest.approx(SPACING)
    assert found.source_uid == cine.header.SOPInstanceUID


def test_highdicom_reads_the_same(cine: UltrasoundCine, tmp_path: Path) -> None:
    labels = labels_of(cine)
    masks = segment_masks(write_segmentation(tmp_path / "seg.dcm", cine, labels, CAMUS_LABELS, ALGORITHM))
    assert list(masks) == ["lv_endo", "myo", "la"]
    for name, stack in masks.items():
        assert np.array_equal(stack, (labels == CAMUS_LABELS.id_of(name)).transpose(0, 2, 1))


def test_area_of_a_disk_survives(cine: UltrasoundCine, tmp_path: Path) -> None:
    path = write_segmentation(tmp_path / "seg.dcm", cine, labels_of(cine), CAMUS_LABELS, ALGORITHM)
    found = read_segmentation(path, CAMUS_LABELS)
    assert found.spacing is not None
    for label, radius in zip(found.labels, RADII, strict=False):
        assert (label == 1).sum() * np.prod(found.spacing) == pytest.approx(np.pi * radius**2, rel=0.05)


def test_frames_without_a_structure(tmp_path: Path) -> None:
    cine = read_ultrasound(save(ultrasound(gray_ramp(3, 40, 50)), tmp_path / "us.dcm"))
    labels = disk_labels((40, 50), RADII, SPACING)
    labels[0], labels[2][labels[2] == 3] = 0, 0
    path = write_segmentation(tmp_path / "seg.dcm", cine, labels, CAMUS_LABELS, ALGORITHM)
    found = read_segmentation(path, CAMUS_LABELS)
    assert found.numbers == (2, 3) and np.array_equal(found.labels, labels[1:])
    nothing = write_segmentation(tmp_path / "none.dcm", cine, np.zeros_like(labels), CAMUS_LABELS, ALGORITHM)
    assert read_segmentation(nothing, CAMUS_LABELS).labels.sum() == 0
    assert table_errors(nothing) == []


def test_sector_is_the_background(tmp_path: Path) -> None:
    cine = read_ultrasound(save(ultrasound(gray_ramp(1, 40, 50)), tmp_path / "us.dcm"))
    labels = disk_labels((40, 50), RADII[:1], SPACING)
    labels[(labels == 0) & (np.arange(50) > 4)] = 4
    path = write_segmentation(tmp_path / "seg.dcm", cine, labels, SEMANTIC_LABELS, ALGORITHM)
    assert np.array_equal(read_segmentation(path, SEMANTIC_LABELS).labels, labels)
    codes = [s.SegmentedPropertyTypeCodeSequence[0].CodeValue for s in pydicom.dcmread(path).SegmentSequence]
    assert codes == ["87878005", "49848007", "82471001", "125040"]


def test_codes_meet_across_tables(cine: UltrasoundCine, tmp_path: Path) -> None:
    path = write_segmentation(tmp_path / "seg.dcm", cine, labels_of(cine), CAMUS_LABELS, ALGORITHM)
    found = read_segmentation(path, TEE_LABELS).labels
    assert np.array_equal(found == TEE_LABELS.id_of("lv"), labels_of(cine) == 1)
    assert np.array_equal(found == TEE_LABELS.id_of("la"), labels_of(cine) == 3)


def test_masks_of_several_images(tmp_path: Path) -> None:
    """Each of a series of single images: told apart by their instances."""
    cine = read_ultrasound(save(ultrasound(gray_ramp(3, 40, 50)), tmp_path / "us.dcm"))
    labels = disk_labels((40, 50), RADII, SPACING)
    path = write_segmentation(tmp_path / "seg.dcm", cine, labels, CAMUS_LABELS, ALGORITHM)
    dataset = pydicom.dcmread(path)
    for group in dataset.PerFrameFunctionalGroupsSequence:
        source = group.DerivationImageSequence[0].SourceImageSequence[0]
        source.ReferencedSOPInstanceUID = f"1.2.3.{source.ReferencedFrameNumber}"
        del source.ReferencedFrameNumber
    dataset.save_as(path)
    found = read_segmentation(path, CAMUS_LABELS)
    assert np.array_equal(found.labels, labels) and found.numbers == (1, 2, 3) and not found.source_uid


def test_belongs_to_the_study(cine: UltrasoundCine, tmp_path: Path) -> None:
    labels = labels_of(cine)
    paths = [
        write_segmentation(tmp_path / "seg.dcm", cine, labels, CAMUS_LABELS, ALGORITHM),
        write_overlay(tmp_path / "sc.dcm", cine, labels, CAMUS_LABELS),
    ]
    for path in paths:
        dataset = pydicom.dcmread(path)
        for key in ("PatientName", "PatientID", "PatientBirthDate", "StudyInstanceUID", "StudyDate", "AccessionNumber"):
            assert dataset.get(key) == cine.header.get(key)
        for key in ("SOPInstanceUID", "SeriesInstanceUID"):
            assert dataset.get(key) != cine.header.get(key)
        reference = dataset.SourceImageSequence[0]
        assert reference.ReferencedSOPInstanceUID == cine.header.SOPInstanceUID
        assert reference.ReferencedSOPClassUID == cine.header.SOPClassUID
        assert "SyntheticData" not in dataset


def test_synthetic_stays_synthetic(cine: UltrasoundCine, tmp_path: Path) -> None:
    cine.header.SyntheticData = "YES"
    labels = labels_of(cine)
    seg = write_segmentation(tmp_path / "seg.dcm", cine, labels, CAMUS_LABELS, ALGORITHM)
    overlay = write_overlay(tmp_path / "sc.dcm", cine, labels, CAMUS_LABELS)
    assert [pydicom.dcmread(path).SyntheticData for path in (seg, overlay)] == ["YES", "YES"]


def test_overlay_draws_rims_in_color(cine: UltrasoundCine, tmp_path: Path) -> None:
    labels = labels_of(cine)
    dataset = pydicom.dcmread(write_overlay(tmp_path / "sc.dcm", cine, labels, CAMUS_LABELS))
    pictures = dataset.pixel_array.reshape(len(labels), 50, 40, 3)
    for picture, label, frame in zip(pictures, labels, cine.frames, strict=True):
        red = (picture == (230, 75, 60)).all(-1).T
        assert red.any() and (label[red] == 1).all()
        assert not red[label == 1].all()  # a rim, not an area
        outside = label == 0
        assert (picture.transpose(1, 0, 2)[outside] == frame[outside][:, None]).all()
    assert [float(v) for v in dataset.PixelSpacing] == [0.25, 0.5]
    assert int(dataset.get("NumberOfFrames", 1)) == len(labels)


@pytest.mark.parametrize("kind", ["seg", "overlay"])
def test_valid(cine: UltrasoundCine, tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"{kind}.dcm"
    if kind == "seg":
        write_segmentation(path, cine, labels_of(cine), CAMUS_LABELS, ALGORITHM)
    else:
        write_overlay(path, cine, labels_of(cine), CAMUS_LABELS)
    assert table_errors(path) == []
    if shutil.which(Validator.DCIODVFY):
        assert validate(path, Validator.DCIODVFY).errors == ()


def test_maps_must_fit(cine: UltrasoundCine, tmp_path: Path) -> None:
    labels = labels_of(cine)
    with pytest.raises(EchoSynthError, match=r"on the grid of the frames .* bring them back"):
        write_segmentation(tmp_path / "a.dcm", cine, labels[:, 1:], CAMUS_LABELS, ALGORITHM)
    with pytest.raises(EchoSynthError, match="label ids must be in the table"):
        write_segmentation(tmp_path / "a.dcm", cine, labels + 7, CAMUS_LABELS, ALGORITHM)
    rows = [
        {"id": n, "name": name, "channel": n, "color": [0, 0, 0]} for n, name in enumerate(("background", "spleen"))
    ]
    spleen = LabelTable.from_dict({"name": "spleen", "labels": rows})
    with pytest.raises(EchoSynthError, match="a label with a DICOM code"):
        write_segmentation(tmp_path / "a.dcm", cine, np.zeros_like(labels), spleen, ALGORITHM)
    with pytest.raises(EchoSynthError, match="bring them back to the native grid"):
        cine.whole(labels[:, 1:])
    assert not (tmp_path / "a.dcm").exists()
