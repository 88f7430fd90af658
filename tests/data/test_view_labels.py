"""Views as classes: names from the data, numbers for frames, and what cannot be classified."""

from __future__ import annotations

import pytest

from monai_echosynth.data.view_labels import view_items, view_names
from monai_echosynth.errors import EchoSynthError

ITEMS = [{"id": "a", "view": "4CH", "image": "a.png", "label": "x"}, {"id": "b", "view": "2CH", "image": "b.png"}]


def test_names_are_sorted_and_numbers_follow_them() -> None:
    assert view_names(ITEMS) == ["2CH", "4CH"]
    classified = view_items(ITEMS, ["2CH", "4CH"])
    assert [(item["id"], item["label"]) for item in classified] == [("a", 1), ("b", 0)]
    assert ITEMS[0]["label"] == "x"


def test_one_view_cannot_be_told_apart() -> None:
    with pytest.raises(EchoSynthError, match=r"two views or more, got 1 frames of \['4CH'\]"):
        view_names(ITEMS[:1])


@pytest.mark.parametrize("view", [None, "", 4])
def test_a_frame_without_view_is_named(view: object) -> None:
    broken = [*ITEMS, {"id": "patient0007", "view": view}]
    for call in (view_names, lambda items: view_items(items, ["2CH", "4CH"])):
        with pytest.raises(EchoSynthError, match="none for patient0007"):
            call(broken)


def test_an_unknown_view_is_named() -> None:
    with pytest.raises(EchoSynthError, match="one of the views 2CH, ME4C, got 4CH in a"):
        view_items(ITEMS, ["2CH", "ME4C"])
