"""Seconds of work by part, summed over everything that works side by side."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import torch

__all__ = ["PartClock"]


class PartClock:
    """Sums up how long each part of the work takes.

    Attributes:
        seconds: by name of the part. Threads that work at once all count, so that the sum can exceed the time gone by.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._lock = threading.Lock()

    @contextmanager
    def part(self, name: str, device: torch.device | None = None) -> Iterator[None]:
        """Adds the time that the block takes to ``name``; on a GPU, until what it asked for is computed."""
        start = time.perf_counter()
        yield
        if device is not None and device.type == "cuda":
            torch.cuda.synchronize(device)
        seconds = time.perf_counter() - start
        with self._lock:
            self.seconds[name] = self.seconds.get(name, 0.0) + seconds
