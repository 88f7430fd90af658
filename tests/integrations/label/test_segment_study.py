"""A request for a whole cine, one of its frames, another format; and requests that cannot be met."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest

from monai_echosynth.errors import EchoSynthError
from monai_echosynth.integrations.label.frame_segmenter import FrameSegmenter
from monai_echosynth.integrations.label.labels import SegmenterLabels, segmenter_labels
from monai_echosynth.integrations.label.segment_study import frame_number, segment_study
from monai_echosynth.integrations.label.study import read_maps
from tests.helpers.label_studies import AFFINE, save_nifti, tiny_cine, write_tiny_segmenter

pytestmark = pytest.mark.filterwarnings("ignore:.*always_return_as_numpy.*:FutureWarning")

Setup = tuple[FrameSegmenter, SegmenterLabels]


@pytest.fixture(scope="module")
def setup(tmp_path_factory: pytest.TempPathFactory) -> Setup:
    bundle = write_tiny_segmenter(tmp_path_factory.mktemp("bundle") / "echo_segmentation")
    return FrameSegmenter(bundle, "cpu"), segmenter_labels(bundle)


def _run(setup: Setup, request: dict[str, Any]) -> tuple[Path, dict[str, Any]]:
    return segment_study(*setup, request)


def test_one_frame_lies_where_it_does_in_the_whole(setup: Setup, tmp_path: Path) -> None:
    image = save_nifti(tmp_path / "cine.nii.gz", tiny_cine(3)[0])
    whole, answer = _run(setup, {"image": str(image)})
    one, told = _run(setup, {"image": str(image), "frame": "2"})
    all_maps, one_map = read_maps(whole), read_maps(one)
    assert answer["frames"] == [0, 1, 2] and told["frames"] == [2]
    assert np.array_equal(one_map[..., 2], all_maps[..., 2]) and not one_map[..., :2].any()
    assert answer["label_names"] == {"lv_endo": 1, "myo": 2, "la": 3}
    assert answer["pixels"]["myo"] == int((all_maps == 2).sum())
    assert nib.load(whole).shape == (44, 36, 3) and np.allclose(nib.load(whole).affine, AFFINE)
    for path in (whole, one):
        path.unlink()


def test_result_has_the_format_asked_for(setup: Setup, tmp_path: Path) -> None:
    image = save_nifti(tmp_path / "frame.nii", tiny_cine(1)[0][..., 0])
    for asked, suffix in ((None, ".nii"), (".nii.gz", ".nii.gz"), (".png", ".png")):
        path, _ = _run(setup, {"image": str(image), "result_extension": asked})
        assert path.name.endswith(suffix) and read_maps(path).shape == (44, 36, 1)
        path.unlink()
    with pytest.raises(EchoSynthError, match=r"\.mha for 1 frames"):
        _run(setup, {"image": str(image), "result_extension": ".mha"})


@pytest.mark.parametrize(("value", "number"), [(None, None), ("", None), (0, 0), ("4", 4)])
def test_frame_numbers(value: object, number: int | None) -> None:
    assert frame_number(value, 5) == number


@pytest.mark.parametrize(("value", "words"), [(5, "from 0 to 4"), (-1, "from 0 to 4"), ("last", "whole number")])
def test_frames_that_are_not_there(value: object, words: str) -> None:
    with pytest.raises(EchoSynthError, match=words):
        frame_number(value, 5)


def test_unknown_study(setup: Setup) -> None:
    with pytest.raises(EchoSynthError, match="check the name"):
        _run(setup, {"image": ""})
