"""Studies: frames out of every format, label maps back onto the same grid, and errors that name the file."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from monai_echosynth.errors import EchoSynthError
from monai_echosynth.integrations.label.study import as_volume, read_maps, read_study, write_labels
from tests.helpers.label_studies import AFFINE, save_nifti, tiny_cine


@pytest.mark.parametrize(("shape", "frames"), [((5, 4), 1), ((5, 4, 1), 1), ((5, 4, 3), 3), ((5, 4, 3, 1), 3)])
def test_nifti_and_its_labels_share_one_grid(tmp_path: Path, shape: tuple[int, ...], frames: int) -> None:
    array = np.arange(np.prod(shape), dtype=np.uint8).reshape(shape)
    study = read_study(save_nifti(tmp_path / "a.nii.gz", array))
    assert study.frames.shape == (5, 4, frames) and np.array_equal(study.frames.ravel(), array.ravel())
    assert study.spacing == pytest.approx((0.7, 0.4))
    labels = (study.frames % 4).astype(np.uint8)
    write_labels(tmp_path / "b.nii.gz", labels, study)
    written = nib.load(tmp_path / "b.nii.gz")
    assert written.shape == (shape[:3] if len(shape) == 4 else shape) and np.allclose(written.affine, AFFINE)
    assert written.get_data_dtype() == np.uint8 and np.array_equal(read_maps(tmp_path / "b.nii.gz"), labels)


def test_png_rows_are_depth(tmp_path: Path) -> None:
    image, maps = tiny_cine(1)
    Image.fromarray(np.ascontiguousarray(image[..., 0].T)).save(tmp_path / "a.png")
    study = read_study(tmp_path / "a.png")
    assert np.array_equal(study.frames, image) and study.shape == image.shape[:2] and study.spacing == (1.0, 1.0)
    write_labels(tmp_path / "b.png", maps, study)
    assert np.array_equal(read_maps(tmp_path / "b.png"), maps)
    assert np.asarray(Image.open(tmp_path / "b.png")).shape == image.shape[1::-1]


@pytest.mark.parametrize("frames", [1, 3])
def test_nrrd_has_three_axes(tmp_path: Path, frames: int) -> None:
    image, maps = tiny_cine(frames)
    study = read_study(save_nifti(tmp_path / "a.nii.gz", image[..., 0] if frames == 1 else image))
    write_labels(tmp_path / "b.nrrd", maps, study)
    assert f"\nsizes: 44 36 {frames}\n".encode() in (tmp_path / "b.nrrd").read_bytes()


def test_floats_up_to_one_are_gray_levels(tmp_path: Path) -> None:
    study = read_study(save_nifti(tmp_path / "a.nii", np.linspace(0, 1, 20, dtype=np.float32).reshape(5, 4)))
    assert study.frames.dtype == np.uint8 and study.frames.max() == 255


def test_what_is_no_dicom_stays_where_it_is(tmp_path: Path) -> None:
    assert as_volume(tmp_path / "a.nii.gz", tmp_path / "volumes") == tmp_path / "a.nii.gz"


def test_bad_studies_are_named(tmp_path: Path) -> None:
    save_nifti(tmp_path / "black.nii.gz", np.zeros((5, 4), np.uint8))
    save_nifti(tmp_path / "axes.nii.gz", np.ones((5, 4, 3, 2), np.uint8))
    (tmp_path / "cut.nii.gz").write_bytes((tmp_path / "axes.nii.gz").read_bytes()[:60])
    (tmp_path / "film.avi").write_bytes(b"RIFF")
    for name, words in (
        ("none.nii.gz", "check the name"),
        ("black.nii.gz", "all black"),
        ("axes.nii.gz", "split the file"),
        ("cut.nii.gz", "copy it again"),
        ("film.avi", "convert it"),
    ):
        with pytest.raises(EchoSynthError, match=words) as caught:
            read_study(tmp_path / name)
        assert name in str(caught.value)


def test_bad_labels_are_named(tmp_path: Path) -> None:
    save_nifti(tmp_path / "half.nii.gz", np.full((5, 4), 0.5, np.float32))
    for name, words in (("half.nii.gz", "whole numbers"), ("a.seg.nrrd", "one of these formats")):
        with pytest.raises(EchoSynthError, match=words) as caught:
            read_maps(tmp_path / name)
        assert name in str(caught.value)
    study = read_study(save_nifti(tmp_path / "cine.nii.gz", tiny_cine(2)[0]))
    for suffix in (".png", ".mha"):
        with pytest.raises(EchoSynthError, match="result_extension"):
            write_labels(tmp_path / f"out{suffix}", tiny_cine(2)[1], study)
