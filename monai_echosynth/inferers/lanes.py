"""Images of a batch computed one by one, side by side on a CPU, so that each has the same bytes in every batch.

Floating-point results of a batched network call depend on the batch size and on the number of threads, at the level of rounding,
which is enough to flip a gray value here and there. On a CPU every image is therefore computed by itself with one intra-operation
thread, in as many lanes as there are threads: as fast as batching there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch
from torch import Tensor

__all__ = ["one_by_one"]

Part = TypeVar("Part")


def one_by_one(compute: Callable[[Part], Tensor], parts: Sequence[Part], device: torch.device) -> Tensor:
    """The results of all ``parts`` (1, ...) as one tensor (N, ...); the thread setting is as before afterwards."""
    if device.type != "cpu":
        return torch.cat([compute(part) for part in parts])
    threads = torch.get_num_threads()

    def lane(part: Part) -> Tensor:
        torch.set_num_threads(1)
        return compute(part)

    try:
        if min(len(parts), threads) <= 1:
            return torch.cat([lane(part) for part in parts])
        with ThreadPoolExecutor(min(len(parts), threads)) as pool:
            return torch.cat(list(pool.map(lane, parts)))
    finally:
        torch.set_num_threads(threads)
