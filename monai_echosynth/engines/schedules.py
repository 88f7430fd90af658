"""Learning-rate schedules."""

from __future__ import annotations

import math

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

__all__ = ["warmup_cosine"]


def warmup_cosine(optimizer: Optimizer, total: int, warmup: int = 0, floor: float = 0.01) -> LambdaLR:
    """Linear warm-up to the optimizer's learning rate, then a half cosine down to ``floor`` of it.

    Args:
        optimizer: optimizer to schedule.
        total: steps of the whole training.
        warmup: steps of the warm-up.
        floor: final fraction of the learning rate.
    """

    def factor(step: int) -> float:
        if step < warmup:
            return (step + 1) / (warmup + 1)
        progress = min((step - warmup) / max(total - warmup, 1), 1.0)
        return floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * progress))

    return LambdaLR(optimizer, factor)
