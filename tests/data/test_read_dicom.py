"""Ultrasound DICOM: axes, brightness and pixel size of files whose pixels are known; files that are refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from monai_echosynth.data.read_dicom import read_dicom
from monai_echosynth.errors import EchoSynthError

pydicom = pytest.importorskip("pydicom")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")

GRAY = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4)  # frames, rows, columns


def _write(path: Path, pixels: NDArray[Any] | None, photometric: str = "MONOCHROME2", **tags: Any) -> Path:
    """An uncompressed file of frames (T, rows, columns[, 3])."""
    meta = pydicom.dataset.FileMetaDataset()
    meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.3.1"
    meta.MediaStorageSOPInstanceUID = pydicom.uid.generate_uid()
    dataset = pydicom.dataset.FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    dataset.is_little_endian, dataset.is_implicit_VR = True, False
    dataset.Modality = "US"
    if pixels is not None:
        dataset.NumberOfFrames, dataset.Rows, dataset.Columns = pixels.shape[:3]
        dataset.SamplesPerPixel = 3 if pixels.ndim == 4 else 1
        dataset.PlanarConfiguration = 0
        dataset.BitsAllocated = dataset.BitsStored = 8 * pixels.itemsize
        dataset.HighBit, dataset.PixelRepresentation = dataset.BitsStored - 1, 0
        dataset.PhotometricInterpretation = photometric
        dataset.PixelData = pixels.tobytes() + b"\0" * (pixels.nbytes % 2)
    for name, value in tags.items():
        setattr(dataset, name, value)
    dataset.save_as(str(path))
    return path


def _region(x: float, y: float, units: int = 3) -> Any:
    region = pydicom.dataset.Dataset()
    region.PhysicalUnitsXDirection = region.PhysicalUnitsYDirection = units
    region.PhysicalDeltaX, region.PhysicalDeltaY = x, y
    return pydicom.sequence.Sequence([region])


def test_axes_are_lateral_depth_time(tmp_path: Path) -> None:
    pixels = read_dicom(_write(tmp_path / "a.dcm", GRAY))
    assert np.array_equal(pixels.array, GRAY.transpose(2, 1, 0)) and pixels.array.dtype == np.uint8
    assert pixels.spacing == (1.0, 1.0) and not pixels.spacing_known


def test_one_frame_has_a_time_axis(tmp_path: Path) -> None:
    assert read_dicom(_write(tmp_path / "a.dcm", GRAY[:1])).array.shape == (4, 3, 1)


def test_brightness_of_colors(tmp_path: Path) -> None:
    gray = np.repeat(GRAY[..., None], 3, axis=-1)
    assert np.array_equal(read_dicom(_write(tmp_path / "gray.dcm", gray, "RGB")).array, GRAY.transpose(2, 1, 0))
    red = np.zeros((1, 2, 2, 3), np.uint8)
    red[..., 0] = 200
    assert np.unique(read_dicom(_write(tmp_path / "red.dcm", red, "RGB")).array).tolist() == [60]
    ybr = np.full((1, 2, 2, 3), 128, np.uint8)
    ybr[..., 0] = 77
    assert np.unique(read_dicom(_write(tmp_path / "ybr.dcm", ybr, "YBR_FULL")).array).tolist() == [77]


def test_inverted_and_wide_gray_levels(tmp_path: Path) -> None:
    inverted = read_dicom(_write(tmp_path / "a.dcm", GRAY, "MONOCHROME1")).array
    assert np.array_equal(inverted, 255 - GRAY.transpose(2, 1, 0))
    wide = read_dicom(_write(tmp_path / "b.dcm", GRAY.astype(np.uint16) * 100)).array
    assert wide.dtype == np.uint8 and wide.max() == 255 and wide.min() == 0


@pytest.mark.parametrize(
    ("tags", "spacing"),
    [
        ({"SequenceOfUltrasoundRegions": (0.05, -0.02)}, (0.5, 0.2)),
        ({"PixelSpacing": [0.3, 0.7]}, (0.7, 0.3)),  # rows first
        ({"SequenceOfUltrasoundRegions": (0.1, 0.1, 4), "PixelSpacing": [0.3, 0.7]}, (0.7, 0.3)),  # seconds
    ],
)
def test_pixel_size(tmp_path: Path, tags: dict[str, Any], spacing: tuple[float, float]) -> None:
    if "SequenceOfUltrasoundRegions" in tags:
        tags = {**tags, "SequenceOfUltrasoundRegions": _region(*tags["SequenceOfUltrasoundRegions"])}
    pixels = read_dicom(_write(tmp_path / "a.dcm", GRAY, **tags))
    assert pixels.spacing == pytest.approx(spacing) and pixels.spacing_known


def test_files_that_are_refused(tmp_path: Path) -> None:
    (tmp_path / "text.dcm").write_text("no DICOM at all")
    for path, words in (
        (tmp_path / "text.dcm", "is not one"),
        (_write(tmp_path / "empty.dcm", None), "no pixel data"),
        (_write(tmp_path / "ct.dcm", GRAY, Modality="CT"), "got modality CT"),
    ):
        with pytest.raises(EchoSynthError, match=words) as caught:
            read_dicom(path)
        assert path.name in str(caught.value)


def test_pixels_that_no_codec_reads(tmp_path: Path) -> None:
    path = _write(tmp_path / "a.dcm", GRAY)
    dataset = pydicom.dcmread(path)
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.HEVCMP51
    dataset.PixelData = pydicom.encaps.encapsulate([b"\1\2\3\4"] * 2)
    dataset["PixelData"].is_undefined_length = True
    dataset.save_as(str(path))
    with pytest.raises(EchoSynthError, match=r"pixels must be readable, got HEVC.*a\.dcm"):
        read_dicom(path)
