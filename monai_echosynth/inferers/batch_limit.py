"""Batches that do not fit into memory are halved, and the run goes on with what fits."""

from __future__ import annotations

import logging
from collections.abc import Callable

import torch
from torch import Tensor

from monai_echosynth.errors import EchoSynthError

__all__ = ["BatchLimit", "out_of_memory"]


class BatchLimit:
    """Computes batches in parts that fit.

    Attributes:
        size: images that fit at once; None as long as everything did.
    """

    def __init__(self) -> None:
        self.size: int | None = None

    def bound(self, size: int) -> None:
        """From now on at most ``size`` images at once."""
        self.size = size if self.size is None else min(self.size, size)

    def run(self, compute: Callable[[slice], Tensor], count: int) -> Tensor:
        """Results (count, ...) of ``compute``, which is asked for a range of images at a time.

        Raises:
            EchoSynthError: not even one image fits.
        """
        done: list[Tensor] = []
        start = 0
        while start < count:
            step = min(self.size or count, count - start)
            try:
                done.append(compute(slice(start, start + step)))
                start += step
                continue
            except (RuntimeError, MemoryError) as error:
                if not out_of_memory(error):
                    raise
                reason = str(error).split("\n")[0]
            if step == 1:
                raise EchoSynthError(
                    f"one image must fit into memory, got '{reason}': free memory or use a smaller network"
                )
            self.size = step // 2
            logging.getLogger(__name__).warning(
                "%d images at once do not fit into memory: going on with %d", step, self.size
            )
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
        return torch.cat(done)


def out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out, on a GPU or on a CPU."""
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(
        text in str(error) for text in ("out of memory", "not enough memory")
    )
