"""The pieces of the page: mosaics, contours, intervals, histories, orientation and aspect of frames."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from monai_echosynth.workflows.report import colorize_label, draw_mosaic, sample_mosaic
from monai_echosynth.workflows.report.cards import duration
from monai_echosynth.workflows.report.contours import contour_overlay, outline_path
from monai_echosynth.workflows.report.curves import smooth
from monai_echosynth.workflows.report.frame_io import frame_png
from monai_echosynth.workflows.report.interval import as_interval
from monai_echosynth.workflows.report.markup import number
from monai_echosynth.workflows.report.predictions import case_scores
from monai_echosynth.workflows.report.study import Study


def test_mosaic_transposes_and_places() -> None:
    left, right = np.zeros((3, 5)), np.zeros((3, 5), np.uint8)
    left[2, 0] = 1.0
    right[0, 4] = 200
    mosaic = sample_mosaic([[left, right]], gap=1)
    assert mosaic.shape == (5, 7, 3) and mosaic.dtype == np.uint8
    assert (mosaic[0, 2] == 255).all()
    assert (mosaic[4, 4] == 200).all()
    assert np.count_nonzero(mosaic) == 6


def test_mosaic_of_ragged_rows_and_labels() -> None:
    label = np.array([[0, 1], [2, 3]], np.uint8)
    colors = colorize_label(label)
    assert len(np.unique(colors.reshape(-1, 3), axis=0)) == 4
    mosaic = sample_mosaic([[label, colors], [label]], gap=0)
    assert mosaic.shape == (4, 4, 3)
    np.testing.assert_array_equal(mosaic[:2, 2:], colors.swapaxes(0, 1))
    assert not mosaic[2:, 2:].any()


@pytest.mark.parametrize("rows", [[], [[]], [[np.zeros(3)]], [[np.zeros((2, 2, 4))]]])
def test_mosaic_refuses_what_is_no_frame(rows: list[list[np.ndarray]]) -> None:
    with pytest.raises(ValueError, match="mosaic"):
        sample_mosaic(rows)


def test_mosaic_file_has_titles(tmp_path: Path) -> None:
    path = tmp_path / "sub" / "mosaic.png"
    draw_mosaic([[np.zeros((64, 64)), np.zeros((64, 64))]], ["Real", "Copy"], path)
    with Image.open(path) as picture:
        pixels = np.asarray(picture)
    assert pixels[:22].any() and not pixels[22:].any()


def test_outline_of_a_square() -> None:
    mask = np.zeros((20, 30), bool)
    mask[4:12, 6:26] = True
    numbers = outline_path(mask)[1:-1].replace("L", " ").split()
    points = np.array(numbers, float).reshape(-1, 2)
    np.testing.assert_allclose(points.min(axis=0), [4, 6], atol=0.15)
    np.testing.assert_allclose(points.max(axis=0), [12, 26], atol=0.15)
    assert outline_path(np.zeros((4, 4), bool)) == ""


def test_overlay_has_reference_and_fits_the_frame() -> None:
    label = np.zeros((20, 30), np.uint8)
    label[4:12, 6:26] = 1
    overlay = contour_overlay(label, label)
    assert 'viewBox="0 0 20 30"' in overlay
    assert overlay.count('class="reference"') == 3


def test_frame_is_drawn_upright_with_its_aspect() -> None:
    image = np.zeros((40, 80), np.float32)
    image[:, 60:] = 1.0
    with Image.open(io.BytesIO(frame_png(image, aspect=0.75, height=120))) as picture:
        pixels = np.asarray(picture)
    assert pixels.shape == (120, 90)
    assert pixels[100:].min() > 250 and pixels[:80].max() < 5


def test_intervals_and_numbers() -> None:
    assert as_interval({"mean": 0.5, "ci95": [0.4, 0.6]}) == (0.5, 0.4, 0.6)
    assert as_interval({"mean": "x"}) is None and as_interval(None) is None and as_interval(True) is None
    bare = as_interval(0.25)
    assert bare is not None and bare.html() == "0.250"
    assert (number(None), number(float("nan")), number(-0.5, 1)) == ("–", "–", "−0.5")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(4.13, "4.1 s"), (59.4, "59 s"), (59.7, "1 min 00 s"), (425, "7 min 05 s"), (8040, "2 h 14 min")],
)
def test_durations_read_well(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_smoothing_keeps_a_constant() -> None:
    np.testing.assert_allclose(smooth(np.full(9, 3.0), 4), 3.0)


def test_case_scores_leave_out_regions_and_undefined() -> None:
    metrics = {"1": {"Dice": 0.9}, "2": {"Dice": 0.7}, "3": {"Dice": float("nan")}, "(1, 2)": {"Dice": 0.1}}
    summary = {"metric_per_case": [{"metrics": metrics, "prediction_file": "a/b_c.nii.gz"}]}
    assert case_scores(summary) == {"b_c": pytest.approx(0.8)}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("history.json", '[{"iteration": 1, "loss": 0.5}, {"iteration": 2, "loss": 0.25}]'),
        ("history.json", '{"iteration": 1, "loss": 0.5}\n{"iteration": 2, "loss": 0.25}\n'),
        ("history.csv", "iteration,loss,stage\n1,0.5,x\n2,0.25,x\n"),
    ],
)
def test_histories_are_read_in_each_form(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    rows = Study(tmp_path, {}).history(".")
    assert rows == [{"iteration": 1.0, "loss": 0.5}, {"iteration": 2.0, "loss": 0.25}]


def test_history_of_a_bundle_lies_in_eval(tmp_path: Path) -> None:
    (tmp_path / "segmenters" / "real" / "eval").mkdir(parents=True)
    (tmp_path / "segmenters" / "real" / "eval" / "history.json").write_text('[{"loss": 1.5}]')
    assert Study(tmp_path, {}).history("segmenters/real") == [{"loss": 1.5}]
