"""DICOM that cannot be used: each kind ends in one sentence that names the file and the remedy."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from monai_echosynth.data.builtin_labels import CAMUS_LABELS, TEE_LABELS
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.integrations.dicom.read_segmentation import read_segmentation
from monai_echosynth.integrations.dicom.read_ultrasound import read_ultrasound, read_ultrasound_folder
from monai_echosynth.integrations.dicom.write_segmentation import Algorithm, write_segmentation
from tests.helpers.dicom_files import disk_labels, gray_ramp, region, save, ultrasound

pydicom = pytest.importorskip("pydicom", minversion="3")

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")


def refused(path: Path, *words: str, **options: Any) -> str:
    """Reads ``path`` and checks the one line of the error; file, remedy and ``words`` are in it."""
    with pytest.raises(EchoSynthError) as caught:
        read_ultrasound(path, **options)
    text = str(caught.value)
    assert "\n" not in text and str(path) in text and ": " in text
    assert [word for word in words if word not in text] == [], text
    return text


def test_no_dicom(tmp_path: Path) -> None:
    refused(tmp_path / "missing.dcm", "got nothing", "check the path")
    for name, content in (("text", b"hello"), ("empty", b""), ("zeros", bytes(4096))):
        (tmp_path / name).write_bytes(content)
        refused(tmp_path / name, "a DICOM file was expected", "export or copy it again")


def test_cut_short(tmp_path: Path) -> None:
    whole = save(ultrasound(gray_ramp(2)), tmp_path / "whole.dcm").read_bytes()
    for share in (0.3, 0.7, 0.95):
        path = tmp_path / f"{share}.dcm"
        path.write_bytes(whole[: int(share * len(whole))])
        refused(path)


def test_no_pixels(tmp_path: Path) -> None:
    refused(save(ultrasound(gray_ramp(1), PixelData=None), tmp_path / "a.dcm"), "Pixel Data", "export the images again")


@pytest.mark.parametrize("key", ["SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID"])
def test_no_identifier(tmp_path: Path, key: str) -> None:
    whole = save(ultrasound(gray_ramp(1)), tmp_path / "a.dcm")
    dataset = pydicom.dcmread(whole)
    del dataset[key]
    dataset.save_as(whole)
    refused(whole, f"got no {key}", "export it again")


@pytest.mark.parametrize(("uid", "modality"), [("2", "CT"), ("4", "MR"), ("7", "US")])
def test_wrong_modality(tmp_path: Path, uid: str, modality: str) -> None:
    dataset = ultrasound(gray_ramp(1), SOPClassUID=f"1.2.840.10008.5.1.4.1.1.{uid}", Modality=modality)
    path = save(dataset, tmp_path / "a.dcm")
    refused(path, "an ultrasound image (US) was expected", f"modality {modality}", "choose another file")
    with pytest.raises(EchoSynthError, match="an ultrasound image"):
        read_ultrasound_folder(tmp_path)


def test_spacing(tmp_path: Path) -> None:
    path = save(ultrasound(gray_ramp(1), SequenceOfUltrasoundRegions=None), tmp_path / "a.dcm")
    refused(path, "the size of their pixels", "give the spacing in mm")
    assert read_ultrasound(path, (0.3, 0.2)).spacing == (0.3, 0.2)
    refused(path, "two positive lengths", spacing=(0.3, 0.0))
    zero = ultrasound(gray_ramp(1), SequenceOfUltrasoundRegions=[region((0, 0, 23, 15), (0.0, 0.1))])
    refused(save(zero, tmp_path / "zero.dcm"), "two positive lengths")
    outside = ultrasound(gray_ramp(1), SequenceOfUltrasoundRegions=[region((30, 0, 50, 15), (0.1, 0.1))])
    refused(save(outside, tmp_path / "outside.dcm"), "must lie in the picture of 24 x 16")
    seconds = [region((0, 0, 23, 15), (0.1, 0.1), PhysicalUnitsXDirection=4)]
    refused(save(ultrasound(gray_ramp(1), SequenceOfUltrasoundRegions=seconds), tmp_path / "s.dcm"), "give the spacing")


@pytest.fixture
def no_codec(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """JPEG Baseline as in an environment without any package that decodes it."""
    decoder = pydicom.pixels.get_decoder(pydicom.uid.JPEGBaseline8Bit)
    monkeypatch.setattr(decoder, "_available", {})
    yield str(pydicom.data.get_testdata_file("examples_ybr_color.dcm", download=False))


def test_codec_is_missing(no_codec: str) -> None:
    refused(Path(no_codec), "JPEG Baseline", "pip install pylibjpeg pylibjpeg-libjpeg")


def test_codec_is_there() -> None:
    path = Path(pydicom.data.get_testdata_file("examples_ybr_color.dcm", download=False))
    assert read_ultrasound(path).frames.std() > 10


def test_video_has_no_codec(tmp_path: Path) -> None:
    dataset = ultrasound(gray_ramp(2), PixelData=pydicom.encaps.encapsulate([b"video"]))
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.MPEG4HP41
    refused(save(dataset, tmp_path / "a.dcm"), "MPEG-4", "export the frames as JPEG or uncompressed")


def test_damaged_stream(tmp_path: Path) -> None:
    dataset = ultrasound(gray_ramp(2), PixelData=pydicom.encaps.encapsulate([b"no jpeg!", b"no jpeg!"]))
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.JPEGBaseline8Bit
    refused(save(dataset, tmp_path / "a.dcm"), "cannot be decoded", "export it again")


def test_segmentation_of_something_else(tmp_path: Path) -> None:
    pytest.importorskip("highdicom")
    image = save(ultrasound(gray_ramp(1, 40, 50)), tmp_path / "us.dcm")
    with pytest.raises(EchoSynthError, match="DICOM SEG was expected, got US"):
        read_segmentation(image, CAMUS_LABELS)
    labels = np.where(disk_labels((40, 50), [2.0], (0.5, 0.25)) == 1, 3, 0).astype(np.uint8)
    path = write_segmentation(tmp_path / "seg.dcm", read_ultrasound(image), labels, TEE_LABELS, Algorithm("t", "1"))
    dataset = pydicom.dcmread(path)
    for segment in dataset.SegmentSequence:
        code = segment.SegmentedPropertyTypeCodeSequence[0]
        code.CodeValue, code.CodeMeaning = "78961009", "Spleen"
    dataset.save_as(path)
    with pytest.raises(EchoSynthError, match=r"structures of the table 'camus' .*got SCT:78961009 Spleen.* code its"):
        read_segmentation(path, CAMUS_LABELS)


def test_packages_are_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import sys

    path = save(ultrasound(gray_ramp(1)), tmp_path / "a.dcm")
    monkeypatch.setitem(sys.modules, "pydicom", None)
    with pytest.raises(EchoSynthError, match=r"pip install 'monai-echosynth\[dicom\]'"):
        read_ultrasound(path)
