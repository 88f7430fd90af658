"""A parallel map for images that are computed one by one on a CPU."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import torch

__all__ = ["lanes"]


@contextmanager
def lanes(tasks: int) -> Iterator[Callable[..., Any]]:
    """A parallel map over as many threads as torch computes with; the thread setting is restored afterwards."""
    threads = torch.get_num_threads()
    try:
        if min(tasks, threads) <= 1:
            yield map
        else:
            with ThreadPoolExecutor(min(tasks, threads)) as pool:
                yield pool.map
    finally:
        torch.set_num_threads(threads)
