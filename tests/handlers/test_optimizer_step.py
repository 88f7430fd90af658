"""Steps of the optimizer are counted as MONAI's trainer makes them, and what follows them follows them."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from ignite.engine import Engine, Events
from monai.engines import SupervisedTrainer
from torch import nn

from monai_echosynth.handlers.moving_average import MovingAverage
from monai_echosynth.handlers.optimizer_step import optimizer_step
from monai_echosynth.handlers.step_schedule import StepSchedule


def _trainer(network: nn.Module, optimizer: torch.optim.Optimizer, batches: int, every: int) -> SupervisedTrainer:
    data = [{"image": torch.ones(1, 1), "label": torch.zeros(1, 1)}] * batches
    return SupervisedTrainer(
        "cpu", 2, data, network, optimizer, nn.MSELoss(), accumulation_steps=every, decollate=False
    )


@pytest.mark.parametrize(("batches", "every"), [(4, 1), (4, 2), (5, 2), (5, 3), (2, 7)])
def test_steps_are_those_of_the_trainer(batches: int, every: int) -> None:
    network = nn.Linear(1, 1)
    optimizer, told, made = torch.optim.SGD(network.parameters(), 0.1), list[int | None](), list[int]()
    optimizer.register_step_post_hook(lambda *_: made.append(1))
    trainer = _trainer(network, optimizer, batches, every)

    def note(engine: Engine) -> None:
        step = optimizer_step(engine, every)
        told.append(step)
        assert (step or len(made)) == len(made)

    trainer.add_event_handler(Events.ITERATION_COMPLETED, note)
    trainer.run()
    assert [step for step in told if step] == list(range(1, len(made) + 1))
    assert told[batches - 1] is not None and told[-1] is not None  # an epoch ends with a step


def test_schedule_and_average_wait_for_the_step() -> None:
    network = nn.Linear(1, 1)
    average = nn.Linear(1, 1)
    average.load_state_dict(network.state_dict())
    optimizer = torch.optim.SGD(network.parameters(), 0.1)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 1, 0.5)
    trainer, seen = _trainer(network, optimizer, 3, 2), list[tuple[Any, ...]]()
    MovingAverage(network, average, 0.9, accumulation_steps=2).attach(trainer)
    StepSchedule(schedule, accumulation_steps=2).attach(trainer)
    trainer.add_event_handler(
        Events.ITERATION_COMPLETED, lambda: seen.append((schedule.get_last_lr()[0], average.weight.item()))
    )
    trainer.run()
    rates = [rate for rate, _ in seen]
    assert rates == pytest.approx([0.1, 0.05, 0.025, 0.025, 0.0125, 0.00625])
    values = [value for _, value in seen]
    assert values[3] == values[2] and len(set(values)) == 5  # a batch that only adds to the gradients moves nothing
