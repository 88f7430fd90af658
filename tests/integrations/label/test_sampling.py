"""Uncertainty and novelty against values known in closed form; the ranking picks the study that was made to be picked."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from monai_echosynth.errors import EchoSynthError
from monai_echosynth.integrations.label.frame_segmenter import FrameSegmenter
from monai_echosynth.integrations.label.sampling import Strategy, StudyRanking, novelty, uncertainty
from tests.helpers.label_studies import save_nifti, tiny_cine, write_tiny_segmenter

pytestmark = pytest.mark.filterwarnings("ignore:.*always_return_as_numpy.*:FutureWarning")


@pytest.fixture(scope="module")
def segmenter(tmp_path_factory: pytest.TempPathFactory) -> FrameSegmenter:
    return FrameSegmenter(write_tiny_segmenter(tmp_path_factory.mktemp("bundle") / "echo_segmentation"), "cpu")


def test_uncertainty_of_known_probabilities() -> None:
    sure, blind, even, half = (torch.zeros(4, 6, 6) for _ in range(4))
    sure[1] = 1.0
    blind[0] = 1.0
    even[:] = 0.25
    half[0] = 1.0  # sure background, and in one pixel a coin between two structures
    half[:, 2, 2] = torch.tensor([0.0, 0.5, 0.5, 0.0])
    found = uncertainty(torch.stack([sure, blind, even, half]))
    assert found.tolist() == pytest.approx([0.0, 1.0, 1.0, math.log(2) / math.log(4)])


def test_novelty_is_the_distance_to_the_nearest_annotated_frame() -> None:
    annotated = torch.tensor([[0.0, 0.0], [10.0, 0.0]])
    frames = torch.tensor([[1.0, 0.0], [5.0, 0.0], [9.0, 0.0]])
    scores = novelty(frames, annotated)
    assert scores.argmax() == 1 and scores[0] == pytest.approx(float(scores[2]))
    assert torch.allclose(novelty(frames * torch.tensor([100.0, 1.0]), annotated * torch.tensor([100.0, 1.0])), scores)


def test_nothing_annotated_the_most_typical_frame_comes_first() -> None:
    assert novelty(torch.tensor([[0.0], [1.0], [2.2], [9.0]])).argmax() == 2


def test_the_study_unlike_the_annotated_ones_is_chosen(segmenter: FrameSegmenter, tmp_path: Path) -> None:
    images, _ = tiny_cine(4)
    odd = images.copy()
    odd[..., 2] = np.random.default_rng(0).integers(0, 255, images.shape[:2])
    files = {
        "alike": save_nifti(tmp_path / "alike.nii.gz", images[..., 0]),
        "odd": save_nifti(tmp_path / "odd.nii.gz", odd[..., 1:]),
    }
    known = [save_nifti(tmp_path / "known.nii.gz", images)]
    choice = StudyRanking(segmenter).choose(Strategy.COVERAGE, files, known)
    assert choice is not None and (choice.id, choice.frame) == ("odd", 1)


def test_ranking_takes_the_frame_that_it_is_least_sure_of(segmenter: FrameSegmenter, tmp_path: Path) -> None:
    images, _ = tiny_cine(6)
    files = {f"f{n}": save_nifti(tmp_path / f"f{n}.nii.gz", images[..., n]) for n in range(6)}
    scores = uncertainty(segmenter.probabilities(images))
    choice = StudyRanking(segmenter).choose(Strategy.UNCERTAINTY, files)
    assert choice is not None and choice.id == f"f{int(scores.argmax())}"
    assert choice.score == pytest.approx(float(scores.max()), rel=1e-4)


def test_bad_files_are_passed_over_and_named_when_alone(segmenter: FrameSegmenter, tmp_path: Path) -> None:
    ranking = StudyRanking(segmenter)
    good = save_nifti(tmp_path / "good.nii.gz", tiny_cine(1)[0][..., 0])
    bad = {"bad": tmp_path / "bad.nii.gz"}
    choice = ranking.choose(Strategy.UNCERTAINTY, {**bad, "good": good})
    assert choice is not None and choice.id == "good"
    with pytest.raises(EchoSynthError, match=r"bad\.nii\.gz"):
        ranking.choose(Strategy.UNCERTAINTY, bad)
    assert ranking.choose(Strategy.UNCERTAINTY, {}) is None


def test_what_was_seen_is_kept_until_the_file_changes(segmenter: FrameSegmenter, tmp_path: Path) -> None:
    images, _ = tiny_cine(1)
    path, ranking = tmp_path / "a.nii.gz", StudyRanking(segmenter)
    save_nifti(path, images[..., 0])
    first = ranking.choose(Strategy.UNCERTAINTY, {"a": path})
    assert ranking.choose(Strategy.UNCERTAINTY, {"a": path}) == first
    save_nifti(path, 255 - images[..., 0])
    second = ranking.choose(Strategy.UNCERTAINTY, {"a": path})
    assert first is not None and second is not None and second.score != first.score
