"""View and phase as one class."""

from __future__ import annotations

import pytest

from monai_echosynth.data.conditions import condition_items, condition_names
from monai_echosynth.errors import EchoSynthError

ITEMS = [{"id": "a", "view": "4CH", "phase": "ED"}, {"id": "b", "view": "2CH", "phase": "ES"}]


def test_names_are_sorted_and_numbers_follow_them() -> None:
    names = condition_names([*ITEMS, *ITEMS])
    assert names == ["2CH ES", "4CH ED"]
    assert [item["condition"] for item in condition_items(ITEMS, names)] == [1, 0]


def test_without_classes_items_stay_as_they_are() -> None:
    plain = [{"id": "c"}]
    assert condition_items(plain, []) == plain and condition_items(plain, [])[0] is not plain[0]


@pytest.mark.parametrize("key", ["view", "phase"])
@pytest.mark.parametrize("value", [None, ""])
def test_what_lacks_view_or_phase_is_named(key: str, value: str | None) -> None:
    broken = {**ITEMS[0], "id": "patient0007", key: value}
    with pytest.raises(EchoSynthError, match=rf"{key} {value!r} .*patient0007"):
        condition_names([broken])
    with pytest.raises(EchoSynthError, match="patient0007"):
        condition_items([broken], ["4CH ED"])


def test_an_unknown_class_is_named() -> None:
    with pytest.raises(EchoSynthError, match="draws 4CH ED, got 2CH ES in b"):
        condition_items(ITEMS, ["4CH ED"])
