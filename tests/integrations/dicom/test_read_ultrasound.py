"""Frames, spacing and region come out of any ultrasound instance as they went in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from monai_echosynth.integrations.dicom.cine import SpacingSource
from monai_echosynth.integrations.dicom.read_ultrasound import read_ultrasound, read_ultrasound_folder
from tests.helpers.dicom_files import gray_ramp, region, save, ultrasound

pydicom = pytest.importorskip("pydicom", minversion="3")


@pytest.mark.parametrize("frames", [1, 3])
def test_gray_frames(tmp_path: Path, frames: int) -> None:
    pixels = gray_ramp(frames)
    cine = read_ultrasound(save(ultrasound(pixels), tmp_path / "a.dcm"))
    assert cine.frames.dtype == np.uint8
    assert np.array_equal(cine.frames, pixels.transpose(0, 2, 1))  # (F, columns, rows)
    assert cine.spacing == pytest.approx((0.5, 0.25)) and cine.spacing_source is SpacingSource.REGIONS
    assert cine.frame_ms == (33.5 if frames > 1 else None)
    assert "PixelData" not in cine.header and cine.header.PatientID == "4711"


def test_color_becomes_luma(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rgb = rng.integers(0, 256, (2, 16, 24, 3), dtype=np.uint8)
    wanted = np.rint(rgb @ np.array([0.299, 0.587, 0.114])).transpose(0, 2, 1)
    found = read_ultrasound(save(ultrasound(rgb, "RGB"), tmp_path / "rgb.dcm")).frames
    assert np.abs(found - wanted).max() <= 1


def test_ybr_full_keeps_y(tmp_path: Path) -> None:
    ybr = np.full((2, 16, 24, 3), 128, np.uint8)
    ybr[..., 0] = gray_ramp(2)
    found = read_ultrasound(save(ultrasound(ybr, "YBR_FULL"), tmp_path / "ybr.dcm")).frames
    assert np.abs(found.astype(int) - gray_ramp(2).transpose(0, 2, 1)).max() <= 1


def test_ybr_full_422_keeps_y(tmp_path: Path) -> None:
    pixels = gray_ramp(1)
    packed = np.full((1, 16, 12, 4), 128, np.uint8)  # Y1 Y2 Cb Cr
    packed[..., 0], packed[..., 1] = pixels[:, :, ::2], pixels[:, :, 1::2]
    dataset = ultrasound(np.repeat(pixels[..., None], 3, -1), "YBR_FULL_422", PixelData=packed.tobytes())
    found = read_ultrasound(save(dataset, tmp_path / "422.dcm")).frames
    assert np.abs(found.astype(int) - pixels.transpose(0, 2, 1)).max() <= 1


def test_inverted_and_deep_gray(tmp_path: Path) -> None:
    pixels = gray_ramp(1)
    inverted = read_ultrasound(save(ultrasound(255 - pixels, "MONOCHROME1"), tmp_path / "m1.dcm")).frames
    deep = (pixels.astype(np.uint16) << 4) | (pixels >> 4)
    twelve = ultrasound(deep, BitsStored=12, HighBit=11)
    for found in (inverted, read_ultrasound(save(twelve, tmp_path / "m12.dcm")).frames):
        assert np.array_equal(found, pixels.transpose(0, 2, 1))


def test_run_length_encoding(tmp_path: Path) -> None:
    pixels = gray_ramp(2)
    dataset = ultrasound(pixels)
    dataset.compress(pydicom.uid.RLELossless, generate_instance_uid=False)
    assert np.array_equal(read_ultrasound(save(dataset, tmp_path / "rle.dcm")).frames, pixels.transpose(0, 2, 1))


@pytest.mark.filterwarnings("ignore::UserWarning:pydicom")
@pytest.mark.parametrize("name", ["examples_ybr_color.dcm", "examples_rgb_color.dcm", "examples_palette.dcm"])
def test_instances_of_real_scanners(name: str) -> None:
    path = Path(pydicom.data.get_testdata_file(name, download=False))
    dataset = pydicom.dcmread(path)
    cine = read_ultrasound(path, spacing=None if "SequenceOfUltrasoundRegions" in dataset else (1.0, 1.0))
    frames = int(dataset.get("NumberOfFrames", 1))
    assert cine.frames.shape == (frames, dataset.Columns, dataset.Rows)
    assert cine.frames.std() > 10
    if cine.spacing_source is SpacingSource.REGIONS:
        item = dataset.SequenceOfUltrasoundRegions[0]
        assert cine.spacing == pytest.approx((10 * item.PhysicalDeltaX, 10 * item.PhysicalDeltaY))
        assert cine.images.shape[1:] < cine.frames.shape[1:]


def test_largest_tissue_region_counts(tmp_path: Path) -> None:
    items = [
        region((0, 0, 20, 15), (9, 9), RegionDataType=2),  # color flow
        region((2, 1, 5, 4), (8, 8)),
        region((4, 2, 19, 12), (0.4, -0.6)),
        region((0, 0, 23, 15), (7, 7), PhysicalUnitsXDirection=4),  # seconds
    ]
    cine = read_ultrasound(save(ultrasound(gray_ramp(1), SequenceOfUltrasoundRegions=items), tmp_path / "a.dcm"))
    assert cine.spacing == pytest.approx((0.4, 0.6))
    assert np.array_equal(cine.images, cine.frames[:, 4:20, 2:13])
    labels = np.ones_like(cine.images)
    whole = cine.whole(labels)
    assert whole.sum() == labels.size and whole[:, 4:20, 2:13].all()


def test_pixel_spacing_and_given_spacing(tmp_path: Path) -> None:
    dataset = ultrasound(gray_ramp(1), SequenceOfUltrasoundRegions=None, PixelSpacing=[0.3, 0.7])
    path = save(dataset, tmp_path / "a.dcm")
    cine = read_ultrasound(path)
    assert cine.spacing == (0.7, 0.3) and cine.spacing_source is SpacingSource.PIXEL_SPACING
    cine = read_ultrasound(path, spacing=(0.2, 0.1))
    assert cine.spacing == (0.2, 0.1) and cine.spacing_source is SpacingSource.GIVEN


def test_folder_passes_over_what_is_no_ultrasound(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    save(ultrasound(gray_ramp(1)), tmp_path / "b" / "second.dcm")
    save(ultrasound(gray_ramp(2)), tmp_path / "a")
    save(ultrasound(gray_ramp(1), SOPClassUID="1.2.840.10008.5.1.4.1.1.2", Modality="CT"), tmp_path / "ct.dcm")
    (tmp_path / "notes.txt").write_text("hello")
    found = read_ultrasound_folder(tmp_path)
    assert [(cine.source.name, len(cine.frames)) for cine in found] == [("a", 2), ("second.dcm", 1)]
    assert "CT Image Storage" in caplog.text and "notes.txt" in caplog.text


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({"FrameTime": "20"}, 20.0),
        ({"FrameTime": None, "FrameTimeVector": [0, 10, 30]}, 20.0),
        ({"FrameTime": None, "CineRate": 25}, 40.0),
        ({"FrameTime": None}, None),
    ],
)
def test_frame_time(tmp_path: Path, changes: dict[str, Any], wanted: float | None) -> None:
    assert read_ultrasound(save(ultrasound(gray_ramp(3), **changes), tmp_path / "a.dcm")).frame_ms == wanted
