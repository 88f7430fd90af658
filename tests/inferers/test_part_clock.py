"""Seconds of parts add up over calls and threads."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from monai_echosynth.inferers.part_clock import PartClock


def test_parts_add_up_over_threads() -> None:
    clock = PartClock()

    def work(name: str) -> None:
        with clock.part(name):
            time.sleep(0.02)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, ["a", "a", "a", "b"]))
    assert set(clock.seconds) == {"a", "b"}
    assert clock.seconds["a"] >= 0.06 > 0.02 <= clock.seconds["b"] < clock.seconds["a"]


def test_what_failed_is_not_counted() -> None:
    clock = PartClock()
    with pytest.raises(ValueError), clock.part("a"):
        raise ValueError
    assert clock.seconds == {}
