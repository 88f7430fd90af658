"""The moving average against its closed form."""

from __future__ import annotations

import pytest
import torch
from ignite.engine import Engine
from torch import nn

from monai_echosynth.handlers.moving_average import MovingAverage


class _Wrapper(nn.Module):
    """Stands for DDP: the network is ``module``."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module


def _run(network: nn.Module, wrapped: nn.Module, average: nn.Module, decay: float, steps: int) -> None:
    """Adds one to every weight in each iteration."""

    def step(_engine: Engine, _batch: int) -> None:
        with torch.no_grad():
            for parameter in network.parameters():
                parameter += 1
            for buffer in network.buffers():
                buffer += 1

    trainer = Engine(step)
    MovingAverage(wrapped, average, decay).attach(trainer)
    trainer.run(range(steps), max_epochs=1)


@pytest.mark.parametrize("wrap", [False, True])
def test_closed_form_with_warm_up(wrap: bool) -> None:
    network, average = nn.BatchNorm1d(2).double(), nn.BatchNorm1d(2).double()
    nn.init.zeros_(network.weight)
    nn.init.zeros_(average.weight)
    _run(network, _Wrapper(network) if wrap else network, average, decay=0.6, steps=20)
    expected = 0.0
    for n in range(1, 21):
        decay = min(0.6, (1 + n) / (10 + n))
        expected = decay * expected + (1 - decay) * n
    assert average.weight.tolist() == pytest.approx([expected] * 2, rel=1e-12)
    assert torch.equal(average.running_mean, network.running_mean)


def test_long_run_lags_by_the_decay() -> None:
    """For weights that grow by one a step the average trails by d / (1 - d) in the limit."""
    network, average = nn.Linear(1, 1).double(), nn.Linear(1, 1).double()
    average.load_state_dict(network.state_dict())
    _run(network, network, average, decay=0.75, steps=200)
    assert (network.weight - average.weight).item() == pytest.approx(3.0, rel=1e-9)


def test_average_is_frozen_and_in_evaluation_mode() -> None:
    average = nn.Linear(1, 1)
    MovingAverage(nn.Linear(1, 1), average)
    assert not average.training
    assert not any(parameter.requires_grad for parameter in average.parameters())
