"""Which iterations end with a step of the optimizer, where MONAI's trainer sums the gradients of several batches."""

from __future__ import annotations

from ignite.engine import Engine

__all__ = ["optimizer_step"]


def optimizer_step(engine: Engine, accumulation_steps: int = 1) -> int | None:
    """Number of the step, from 1, that the iteration just completed has made; None where it has only added to the gradients.

    The last batch of an epoch makes a step whatever it is the number of.

    Args:
        engine: a trainer after an iteration.
        accumulation_steps: batches a step.
    """
    length = engine.state.epoch_length or 1
    epochs, done = divmod(engine.state.iteration - 1, length)
    batch = done + 1
    if batch % accumulation_steps and batch != length:
        return None
    return int(epochs * -(-length // accumulation_steps) + -(-batch // accumulation_steps))
