"""Label maps of every kind become semantic maps with their spacing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from monai_echosynth.data.builtin_labels import CAMUS_LABELS, SEMANTIC_LABELS
from monai_echosynth.data.semantic_map import semantic_map
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.integrations.dicom.read_ultrasound import read_ultrasound
from monai_echosynth.integrations.dicom.write_segmentation import Algorithm, write_segmentation
from monai_echosynth.integrations.label_maps import read_label_maps
from tests.helpers.dicom_files import save, ultrasound
from tests.helpers.echo_frames import frame, save_nifti, save_png, sector

pytest.importorskip("pydicom", minversion="3")
pytest.importorskip("highdicom")

ALGORITHM = Algorithm("tests", "1")
Map = NDArray[np.uint8]


def semantic() -> Map:
    _, label = frame()
    return semantic_map(label, sector(), "test")


def segmentation(folder: Path, labels: Map, with_sector: bool) -> tuple[Path, Path]:
    """An image (cine) and its DICOM SEG."""
    images = np.stack([frame(seed)[0].T for seed in range(len(labels))])
    image = save(ultrasound(images), folder / "image.dcm")
    table = SEMANTIC_LABELS if with_sector else CAMUS_LABELS
    labels = labels if with_sector else np.where(labels == 4, 0, labels).astype(np.uint8)
    return image, write_segmentation(folder / "seg.dcm", read_ultrasound(image), labels, table, ALGORITHM)


def test_nifti_file_and_folder(tmp_path: Path) -> None:
    save_nifti(tmp_path / "a.nii.gz", semantic(), (0.5, 0.25))
    save_nifti(tmp_path / "b.nii.gz", semantic(), (0.6, 0.3))
    (single,) = read_label_maps(tmp_path / "b.nii.gz")
    assert single.name == "b" and single.spacing == pytest.approx((0.6, 0.3)) and single.frame_ms is None
    assert np.array_equal(single.labels, semantic()[None])
    assert [cine.name for cine in read_label_maps(tmp_path)] == ["a", "b"]
    assert read_label_maps(tmp_path / "b.nii.gz", (1, 2))[0].spacing == (1.0, 2.0)


def test_png_needs_a_spacing(tmp_path: Path) -> None:
    save_png(tmp_path / "a.png", semantic())
    with pytest.raises(EchoSynthError, match=r"size of their pixels.*give the spacing"):
        read_label_maps(tmp_path / "a.png")
    assert np.array_equal(read_label_maps(tmp_path / "a.png", (0.5, 0.5))[0].labels, semantic()[None])


def test_segmentation_with_its_sector(tmp_path: Path) -> None:
    labels = np.stack([semantic(), np.roll(semantic(), 1, axis=0)])
    image, path = segmentation(tmp_path, labels, with_sector=True)
    image.unlink()
    (cine,) = read_label_maps(path)
    inside = (labels > 0).any(axis=0)
    box = np.ix_(inside.any(1), inside.any(0))
    assert np.array_equal(cine.labels == 1, np.stack([label[box] == 1 for label in labels]))
    assert cine.spacing == pytest.approx((0.5, 0.25))


def test_sector_of_the_image_beside(tmp_path: Path) -> None:
    labels = np.stack([semantic(), semantic()])
    image, path = segmentation(tmp_path, labels, with_sector=False)
    (cine,) = read_label_maps(tmp_path)
    assert cine.name == "seg" and cine.frame_ms == 33.5
    inside = sector()
    box = np.ix_(inside.any(1), inside.any(0))
    assert np.array_equal(cine.labels[0], semantic()[box])
    image.unlink()
    with pytest.raises(EchoSynthError, match=r"must show its sector.*into the same folder"):
        read_label_maps(path)


def test_frames_without_a_structure_are_left_out(tmp_path: Path) -> None:
    labels = np.stack([np.where(semantic() > 0, 4, 0).astype(np.uint8), semantic()])
    _, path = segmentation(tmp_path, labels, with_sector=True)
    assert len(read_label_maps(path)[0].labels) == 1
    _, path = segmentation(tmp_path, labels[:1], with_sector=True)
    with pytest.raises(EchoSynthError, match="must mark a structure"):
        read_label_maps(path)


def test_unknown_ids_and_files(tmp_path: Path) -> None:
    save_nifti(tmp_path / "ids" / "a.nii.gz", (semantic() * 50).astype(np.uint8))
    for path in (tmp_path / "ids", tmp_path / "ids" / "a.nii.gz"):
        with pytest.raises(EchoSynthError, match=r"label ids must be in the table .* got 50, 100, 150, 200"):
            read_label_maps(path)
    (tmp_path / "a.txt").write_text("no map")
    with pytest.raises(EchoSynthError, match=r"label maps must be .* or DICOM SEG"):
        read_label_maps(tmp_path / "a.txt")
    with pytest.raises(EchoSynthError, match="got nothing at"):
        read_label_maps(tmp_path / "missing")
