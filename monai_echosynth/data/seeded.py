"""Random order and random augmentation as a pure function of (seed, epoch, position).

The sampler hands the dataset pairs ``(index, seed)`` and the dataset reseeds its random transforms with that seed. What a
position of an epoch holds thus depends neither on the number of worker processes, nor on the number of ranks, nor on
whether training was interrupted before: resuming at an epoch boundary is exact.

An epoch is a fixed number of draws, not one pass over the data, so that arms trained on data sets of different size get the
same budget. Draws go through the data in random order without repetition, permutation after permutation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from typing import Any

import numpy as np
from monai.data import Dataset
from monai.transforms import Compose, RandomizableTrait
from numpy.typing import NDArray
from torch.utils.data import Sampler
from tqdm import tqdm

from monai_echosynth.diffusion.seeding import derive_seed

__all__ = ["SeededDataset", "SeededSampler"]


class SeededSampler(Sampler[tuple[int, int]]):
    """Pairs (index, seed) of one epoch.

    Args:
        size: number of items of the data set.
        samples_per_epoch: draws per epoch over all ranks; ``None`` for one pass over the data.
        seed: seed of order and augmentation.
        rank: this process's share, every ``world_size``-th draw.
        world_size: number of processes.
    """

    def __init__(
        self, size: int, samples_per_epoch: int | None = None, seed: int = 0, rank: int = 0, world_size: int = 1
    ) -> None:
        if size < 1:
            raise ValueError(f"SeededSampler needs at least one item, got {size}")
        self.size = size
        self.samples_per_epoch = size if samples_per_epoch is None else samples_per_epoch
        self.seed, self.rank, self.world_size = seed, rank, world_size
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch whose draws the next iteration yields."""
        self.epoch = epoch

    def __len__(self) -> int:
        """Draws of this rank in an epoch; equal on all ranks."""
        return -(-self.samples_per_epoch // self.world_size)

    def order(self, rng: np.random.Generator, total: int) -> NDArray[np.int64]:
        """Indices of the draws of the current epoch over all ranks."""
        return np.concatenate([rng.permutation(self.size) for _ in range(-(-total // self.size))])[:total]

    def __iter__(self) -> Iterator[tuple[int, int]]:
        """Yield this rank's draws of the current epoch."""
        total = len(self) * self.world_size
        order = self.order(np.random.default_rng(derive_seed(self.seed, "order", self.epoch)), total)
        for position in range(self.rank, total, self.world_size):
            yield int(order[position]), derive_seed(self.seed, "draw", self.epoch, position)


class SeededDataset(Dataset):
    """MONAI dataset whose random transforms are reseeded for every draw.

    Indexing with ``(index, seed)`` applies the random transforms with that seed and adds the key ``seed`` to the item;
    indexing with an integer uses the seed ``index``.

    Args:
        data: list of dictionaries.
        transform: composed dictionary transforms; those before the first random one are applied once and kept in memory.
        cache: keep the deterministic part in memory.
        progress: show a progress bar while filling the cache.
    """

    def __init__(
        self, data: Sequence[Mapping[str, Any]], transform: Compose, cache: bool = True, progress: bool = True
    ) -> None:
        super().__init__(list(data), transform)
        self.compose = transform
        first = transform.get_index_of_first(lambda t: isinstance(t, RandomizableTrait))
        self.first_random = len(transform.transforms) if first is None else first
        self._cached: list[Any] | None = None
        if cache:
            bar = tqdm(self.data, desc="loading frames", unit="frame", disable=not progress, leave=False)
            self._cached = [self.compose(dict(item), end=self.first_random) for item in bar]

    def __getitem__(self, key: int | tuple[int, int]) -> dict[str, Any]:  # type: ignore[override]
        """Item ``key`` with its random part drawn from the given seed."""
        index, seed = key if isinstance(key, tuple) else (key, key)
        if self._cached is None:
            item = self.compose(dict(self.data[index]), end=self.first_random)
        else:
            item = deepcopy(self._cached[index])
        self.compose.set_random_state(seed=seed)
        item = dict(self.compose(item, start=self.first_random))
        item["seed"] = seed
        return item
