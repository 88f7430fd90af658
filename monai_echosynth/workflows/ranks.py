"""A process of ``torchrun`` that works by itself: whole jobs are divided, not batches.

Trainings and generation of this project form a process group when the environment says that there are several processes. Where
each process has jobs of its own, the environment must not say so.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, NamedTuple

import torch

__all__ = ["Rank", "by_itself"]

_VARIABLES: Final = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "GROUP_RANK", "MASTER_ADDR", "MASTER_PORT")


class Rank(NamedTuple):
    """Number of a process and how many there are."""

    number: int
    world_size: int


@contextmanager
def by_itself() -> Iterator[Rank]:
    """The process's rank; while the block runs it is one process for all else, on a GPU of its own where there are some."""
    hidden = {name: os.environ.pop(name) for name in _VARIABLES if name in os.environ}
    local = int(hidden.get("LOCAL_RANK", 0))
    if hidden and torch.cuda.is_available():
        torch.cuda.set_device(local % torch.cuda.device_count())
    try:
        yield Rank(int(hidden.get("RANK", 0)), int(hidden.get("WORLD_SIZE", 1)))
    finally:
        os.environ.update(hidden)
