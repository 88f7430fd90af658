r"""Exponential moving average of the weights, which is what gets validated, saved and sampled from.

.. math:: \bar w \leftarrow d_n \bar w + (1 - d_n) w, \qquad d_n = \min\bigl(d, (1 + n) / (10 + n)\bigr)

after step n of the optimizer; the warm-up lets short trainings forget their start. The decay follows from the iteration alone,
so that the handler needs no state of its own in a checkpoint.
"""

from __future__ import annotations

import torch
from ignite.engine import Engine, Events
from torch import nn

from monai_echosynth.handlers.optimizer_step import optimizer_step

__all__ = ["MovingAverage"]


class MovingAverage:
    """Updates ``average`` from ``network`` after every step of the optimizer.

    Args:
        network: the network that is trained; a wrapper such as DDP is looked through.
        average: a copy of it that holds the averaged weights, kept in evaluation mode; buffers are copied.
        decay: asymptotic decay per step.
        accumulation_steps: batches a step.
    """

    def __init__(
        self, network: nn.Module, average: nn.Module, decay: float = 0.998, accumulation_steps: int = 1
    ) -> None:
        self.network = network
        self.average = average.requires_grad_(False).eval()
        self.decay, self.accumulation_steps = decay, accumulation_steps

    def attach(self, engine: Engine) -> None:
        """Register with a trainer."""
        engine.add_event_handler(Events.ITERATION_COMPLETED, self)

    @torch.no_grad()
    def __call__(self, engine: Engine) -> None:
        """Update the average."""
        n = optimizer_step(engine, self.accumulation_steps)
        if n is None:
            return
        decay = min(self.decay, (1 + n) / (10 + n))
        wrapped = getattr(self.network, "module", None)
        source = wrapped if isinstance(wrapped, nn.Module) else self.network
        torch._foreach_lerp_(list(self.average.parameters()), list(source.parameters()), 1 - decay)
        for own, other in zip(self.average.buffers(), source.buffers(), strict=True):
            own.copy_(other)
