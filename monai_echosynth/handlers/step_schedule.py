"""Moves a learning-rate schedule on with every step of the optimizer, which may take several batches."""

from __future__ import annotations

from ignite.engine import Engine, Events
from torch.optim.lr_scheduler import LRScheduler

from monai_echosynth.handlers.optimizer_step import optimizer_step

__all__ = ["StepSchedule"]


class StepSchedule:
    """Steps a schedule after each step of the optimizer.

    Args:
        lr_scheduler: the schedule, which counts steps.
        accumulation_steps: batches a step.
    """

    def __init__(self, lr_scheduler: LRScheduler, accumulation_steps: int = 1) -> None:
        self.lr_scheduler, self.accumulation_steps = lr_scheduler, accumulation_steps

    def attach(self, engine: Engine) -> None:
        """Register with a trainer."""
        engine.add_event_handler(Events.ITERATION_COMPLETED, self)

    def __call__(self, engine: Engine) -> None:
        """Step after a step."""
        if optimizer_step(engine, self.accumulation_steps) is not None:
            self.lr_scheduler.step()
