"""Runs a task for every number, here or in spawned processes; results do not depend on which."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

__all__ = ["each_index"]


def each_index(task: Callable[[int], int], indices: Iterable[int], workers: int) -> Iterator[int]:
    """Run ``task`` for every index; with one worker in this process."""
    if workers <= 1:
        yield from map(task, indices)
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        yield from pool.map(task, indices, chunksize=2)
