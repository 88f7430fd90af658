"""Scores of a classifier against counts by hand."""

from __future__ import annotations

import numpy as np
import pytest

from monai_echosynth.metrics.classification import classification_scores

PATIENTS = ["a", "a", "b", "b", "c"]


def test_two_classes_by_hand() -> None:
    probabilities = [[0.9, 0.1], [0.4, 0.6], [0.3, 0.7], [0.2, 0.8], [0.6, 0.4]]
    scores = classification_scores(probabilities, [0, 1, 0, 1, 1], PATIENTS, ["2CH", "4CH"])
    assert (scores["frames"], scores["patients"]) == (5, 3)
    assert scores["accuracy"]["mean"] == pytest.approx(3 / 5)
    assert scores["confusion"] == {"2CH": {"2CH": 1, "4CH": 1}, "4CH": {"2CH": 1, "4CH": 2}}
    # positives .6 .8 .4, negatives .1 .7: pairs won 1 + 2 + 1 of 6
    assert scores["auroc"].keys() == {"4CH"} and scores["auroc"]["4CH"]["mean"] == pytest.approx(4 / 6)
    low, high = scores["accuracy"]["ci95"]
    assert 0 <= low <= 3 / 5 <= high <= 1


def test_patients_not_frames_are_drawn() -> None:
    """Ten frames of one patient are one draw: two patients, one all right and one all wrong, give the widest interval."""
    probabilities = np.repeat([[0.9, 0.1], [0.1, 0.9]], 10, axis=0)
    scores = classification_scores(probabilities, [0] * 20, ["a"] * 10 + ["b"] * 10, ["x", "y"])
    assert scores["accuracy"]["ci95"] == [0.0, 1.0]


def test_three_classes_have_an_area_each() -> None:
    scores = classification_scores(np.eye(3)[[0, 1, 2, 0]], [0, 1, 2, 0], list("abcd"), ["x", "y", "z"])
    assert {name: area["mean"] for name, area in scores["auroc"].items()} == {"x": 1.0, "y": 1.0, "z": 1.0}


def test_one_class_alone_has_no_area() -> None:
    scores = classification_scores([[0.9, 0.1], [0.2, 0.8]], [0, 0], ["a", "b"], ["2CH", "4CH"])
    assert scores["auroc"] == {"4CH": None} and scores["accuracy"]["mean"] == 0.5


def test_what_cannot_be_scored_is_refused() -> None:
    with pytest.raises(ValueError, match="2 probabilities"):
        classification_scores([[1.0]], [0], ["a"], ["x", "y"])
    with pytest.raises(ValueError, match="NaN"):
        classification_scores([[np.nan, 1.0]], [0], ["a"], ["x", "y"])
