"""``summary.json`` against 4 x 4 masks counted by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from monai_echosynth.metrics.case_scores import case_scores
from monai_echosynth.metrics.summary_json import averaged, case_entry, summarize

REFERENCE_A = np.array([[0, 2, 2, 0], [2, 1, 1, 2], [2, 1, 1, 2], [4, 3, 3, 4]])
PREDICTION_A = np.array([[0, 2, 2, 0], [2, 1, 2, 2], [2, 1, 1, 0], [0, 3, 0, 3]])
REFERENCE_B = np.array([[0, 0, 0, 0], [0, 1, 1, 0], [0, 0, 0, 0], [0, 0, 0, 0]])
PREDICTION_B = np.array([[0, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 0], [0, 0, 0, 2]])


def _cases() -> list[dict[str, object]]:
    pairs = {"a": (PREDICTION_A, REFERENCE_A), "b": (PREDICTION_B, REFERENCE_B)}
    return [
        case_entry(case_scores(*pair, (1.0, 2.0)), f"p/{name}.nii.gz", f"r/{name}.nii.gz", patient=name)
        for name, pair in pairs.items()
    ]


def test_case_counts_by_hand() -> None:
    scores = case_scores(PREDICTION_A, REFERENCE_A, (1.0, 2.0))
    assert list(scores) == ["1", "2", "(1, 2)", "3"]
    counts = {key: tuple(scores[key][n] for n in ("TP", "FP", "FN", "TN", "n_pred", "n_ref")) for key in scores}
    assert counts == {
        "1": (3, 0, 1, 12, 3, 4),
        "2": (5, 1, 1, 9, 6, 6),
        "(1, 2)": (9, 0, 1, 6, 9, 10),
        "3": (1, 1, 1, 13, 2, 2),
    }
    dices = [scores[key]["Dice"] for key in scores]
    assert dices == pytest.approx([6 / 7, 10 / 12, 18 / 19, 2 / 4])
    assert scores["3"]["HD"] == pytest.approx(2.0)


def test_means_ignore_what_is_absent_in_both() -> None:
    summary = summarize(_cases())
    assert set(summary) == {"foreground_mean", "mean", "metric_per_case"}
    assert set(summary["metric_per_case"][0]) == {"metrics", "prediction_file", "reference_file", "patient"}
    endo, myo, la = (6 / 7 + 2 / 3) / 2, (10 / 12 + 0) / 2, 2 / 4
    assert summary["mean"]["1"]["Dice"] == pytest.approx(endo)
    assert summary["mean"]["2"]["Dice"] == pytest.approx(myo)
    assert summary["mean"]["3"]["Dice"] == pytest.approx(la)
    assert math.isnan(summary["metric_per_case"][1]["metrics"]["3"]["Dice"])
    assert summary["foreground_mean"]["Dice"] == pytest.approx((endo + myo + la) / 3)
    assert summary["mean"]["3"]["n_ref"] == 1.0


def test_all_absent_is_nan_without_a_warning() -> None:
    empty = np.zeros((4, 4), int)
    summary = summarize([case_entry(case_scores(empty, empty, (1.0, 1.0)), "p", "r")])
    assert math.isnan(summary["foreground_mean"]["Dice"])


def test_no_case_is_an_error() -> None:
    with pytest.raises(ValueError, match="at least one case"):
        summarize([])


def test_an_average_is_that_of_each_frame() -> None:
    swapped = [
        case_entry(case_scores(reference, reference, (1.0, 2.0)), f"q/{name}.nii.gz", f"r/{name}.nii.gz", patient=name)
        for name, reference in (("a", REFERENCE_A), ("b", REFERENCE_B))
    ]
    first, perfect = summarize(_cases()), summarize(swapped)
    found = averaged([first, perfect])
    for number, case in enumerate(found["metric_per_case"]):
        assert case["prediction_file"] == f"p/{'ab'[number]}.nii.gz" and case["patient"] == "ab"[number]
        before = first["metric_per_case"][number]["metrics"]["1"]["Dice"]
        assert case["metrics"]["1"]["Dice"] == pytest.approx((before + 1) / 2)
    assert math.isnan(found["metric_per_case"][1]["metrics"]["3"]["Dice"])
    assert found["mean"]["1"]["Dice"] == pytest.approx((first["mean"]["1"]["Dice"] + 1) / 2)
    np.testing.assert_equal(averaged([first]), first)


def test_averages_of_nothing_or_of_other_frames_are_errors() -> None:
    summary = summarize(_cases())
    with pytest.raises(ValueError, match="at least one summary"):
        averaged([])
    with pytest.raises(ValueError, match="same frames in the same order"):
        averaged([summary, summarize(_cases()[::-1])])
