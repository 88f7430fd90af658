"""Draws from two sets whose shares change during a training: much of the second set at first, the first set alone at the end.

A segmenter learns shapes from many synthetic frames and then the look of real ones from the few there are. With fixed shares it
would stay torn between both looks until the end.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from monai_echosynth.data.seeded import SeededSampler

__all__ = ["AnnealedSampler"]


class AnnealedSampler(SeededSampler):
    """Pairs (index, seed) of one epoch; the share of extra items falls linearly over the epochs, then stays 0.

    Args:
        size: number of items, extra ones included.
        extra: how many of them, the last ones, are extra.
        share: share of extra items in the first epoch, 0 to 1; ``None`` for that of their number, unchanging.
        epochs: length of the training.
        until: fraction of the training after which no extra item is drawn.
        samples_per_epoch: draws per epoch over all ranks; ``None`` for ``size``.
        seed: seed of order and augmentation.
        rank: this process's share, every ``world_size``-th draw.
        world_size: number of processes.

    Raises:
        ValueError: if a share is out of range, or one set is empty that has a share.
    """

    def __init__(
        self,
        size: int,
        extra: int = 0,
        share: float | None = None,
        epochs: int = 1,
        until: float = 0.7,
        samples_per_epoch: int | None = None,
        seed: int = 0,
        rank: int = 0,
        world_size: int = 1,
    ) -> None:
        super().__init__(size, samples_per_epoch, seed, rank, world_size)
        if share is not None and not (0 <= share <= 1 and 0 < until <= 1 and 0 < extra < size):
            raise ValueError(
                "a share of extra items is from 0 to 1, falls within the training, and needs items of both kinds; got "
                f"share={share}, until={until}, extra={extra} of {size}"
            )
        self.extra, self.share, self.epochs, self.until = extra, share, epochs, until

    def extra_share(self, epoch: int) -> float:
        """Share of extra items in an epoch, counted from 1."""
        if self.share is None:
            return self.extra / self.size
        return self.share * max(0.0, 1.0 - max(epoch - 1, 0) / (self.until * self.epochs))

    def order(self, rng: np.random.Generator, total: int) -> NDArray[np.int64]:
        """Indices of the draws of the current epoch over all ranks."""
        if self.share is None:
            return super().order(rng, total)
        extra, plain = round(self.extra_share(self.epoch) * total), self.size - self.extra
        drawn = np.concatenate([_draw(rng, plain, total - extra), plain + _draw(rng, self.extra, extra)])
        return np.asarray(rng.permutation(drawn))


def _draw(rng: np.random.Generator, size: int, count: int) -> NDArray[np.int64]:
    """``count`` indices below ``size`` in random order, none twice before all have come."""
    passes = [rng.permutation(size) for _ in range(-(-count // size))]
    return np.concatenate([np.zeros(0, np.int64), *passes])[:count]
