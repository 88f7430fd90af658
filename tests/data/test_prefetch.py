"""Batches come ahead, in order, with their errors."""

from __future__ import annotations

import threading
from typing import Any

import pytest
import torch
from monai.data import Dataset

from monai_echosynth.data.prefetch import PrefetchLoader


def _data(count: int, transform: Any = None) -> Dataset:
    return Dataset([{"x": torch.tensor([float(k)])} for k in range(count)], transform)


@pytest.mark.parametrize("workers", [0, 1])
def test_batches_and_their_order(workers: int) -> None:
    loader = PrefetchLoader(_data(7), batch_size=3, num_workers=workers)
    assert len(loader) == 3
    for _ in range(2):  # each pass begins anew
        assert [batch["x"].flatten().tolist() for batch in loader] == [[0, 1, 2], [3, 4, 5], [6]]


def test_the_next_batch_is_made_meanwhile() -> None:
    made = threading.Semaphore(0)

    def note(item: Any) -> Any:
        made.release()
        return item

    batches = iter(PrefetchLoader(_data(3, note), batch_size=1))
    next(batches)
    assert made.acquire(timeout=5) and made.acquire(timeout=5)  # the second one without having been asked for
    assert not made.acquire(timeout=0.1)  # but no more than that
    assert len(list(batches)) == 2


def test_an_error_is_raised_at_its_batch() -> None:
    def refuse(item: Any) -> Any:
        if item["x"] == 2:
            raise ValueError("frame 2 is bad")
        return item

    batches = iter(PrefetchLoader(_data(4, refuse), batch_size=1))
    assert [float(next(batches)["x"]) for _ in range(2)] == [0, 1]
    with pytest.raises(RuntimeError, match="applying transform") as error:
        next(batches)
    assert "frame 2 is bad" in str(error.value.__cause__)


def test_leaving_early_leaves_no_thread() -> None:
    for batch in PrefetchLoader(_data(50), batch_size=1):
        if batch["x"] == 3:
            break
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("prefetch")]
