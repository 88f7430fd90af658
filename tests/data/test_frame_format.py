"""Files of a frame: equal pixels in every format, in the orientation that MONAI's readers give."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from monai.transforms import LoadImage

from monai_echosynth.data.frame_format import FrameFormat, frame_files, write_frame
from tests.helpers.tiny_prepared import tiny_frame


@pytest.mark.parametrize("file_format", list(FrameFormat))
def test_pixels_come_back_in_the_same_orientation(tmp_path: Path, file_format: FrameFormat) -> None:
    image, label = tiny_frame((12, 20), np.random.default_rng(0))
    write_frame(tmp_path, "a", file_format, image, label, (0.7, 0.3))
    image_path, label_path = frame_files(tmp_path, "a", file_format)
    read = LoadImage(image_only=True)
    assert np.array_equal(np.asarray(read(image_path)), image)
    expected = np.where(label == 4, 0, label) if file_format is FrameFormat.NNUNET else label
    assert np.array_equal(np.asarray(read(label_path)), expected)
    if file_format is not FrameFormat.PNG:
        assert np.allclose(np.abs(np.diag(read(image_path).affine)[:2]), (0.7, 0.3))


def test_names_of_the_layouts() -> None:
    names = {f: [p.as_posix() for p in frame_files(Path("o"), "a", f)] for f in FrameFormat}
    assert names[FrameFormat.NIFTI] == ["o/images/a.nii.gz", "o/labels/a.nii.gz"]
    assert names[FrameFormat.PNG] == ["o/images/a.png", "o/labels/a.png"]
    assert names[FrameFormat.NNUNET] == ["o/imagesTr/a_0000.nii.gz", "o/labelsTr/a.nii.gz"]


def test_same_pixels_give_the_same_bytes(tmp_path: Path) -> None:
    image, label = tiny_frame((12, 20), np.random.default_rng(0))
    for folder in ("a", "b"):
        write_frame(tmp_path / folder, "x", FrameFormat.NIFTI, image, label, (1.0, 1.0))
    assert (tmp_path / "a/images/x.nii.gz").read_bytes() == (tmp_path / "b/images/x.nii.gz").read_bytes()
