"""Batches that are made while the one before is computed with, by a thread of their own.

Networks compute outside Python's lock, so that on a machine without cores to spare a thread hides reading and augmentation as
well as worker processes do, which would have to import everything again. An error of a batch reaches the caller as it was raised.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from monai.data import DataLoader

__all__ = ["PrefetchLoader"]

_END = object()


class PrefetchLoader(DataLoader):
    """MONAI's ``DataLoader`` with the next batch in preparation; with worker processes it is theirs to do so."""

    def __iter__(self) -> Any:
        """The batches of the loader, in its order."""
        batches = super().__iter__()
        return batches if self.num_workers else _ahead(batches)


def _ahead(batches: Iterator[Any]) -> Iterator[Any]:
    """The same with one batch under way; it is finished, and thrown away, when the caller leaves early."""
    with ThreadPoolExecutor(1, thread_name_prefix="prefetch") as pool:
        waiting = pool.submit(next, batches, _END)
        while (batch := waiting.result()) is not _END:
            waiting = pool.submit(next, batches, _END)
            yield batch
