"""Checkpoints: a training that was killed ends as one that was not, and one that does not fit is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from ignite.engine import Engine, Events
from torch import nn

from monai_echosynth.errors import EchoSynthError
from monai_echosynth.handlers.resumable import ResumableCheckpoint


class _Killed(Exception):
    pass


def _train(
    folder: Path, width: int = 3, epochs: int = 4, die_in: int = 0, interval: int = 1
) -> tuple[Engine, nn.Module]:
    """Momentum descent on data that follow from the iteration; dies in the first step of epoch ``die_in``."""
    torch.manual_seed(0)
    network = nn.Linear(width, 1)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9)

    def step(engine: Engine, _batch: int) -> None:
        if engine.state.epoch == die_in:
            raise _Killed
        x = torch.randn(4, width, generator=torch.Generator().manual_seed(engine.state.iteration))
        optimizer.zero_grad()
        network(x).square().mean().backward()
        optimizer.step()

    trainer = Engine(step)
    ResumableCheckpoint(folder, {"network": network, "optimizer": optimizer}, interval).attach(trainer)
    trainer.run(range(2), max_epochs=epochs)
    return trainer, network


@pytest.mark.parametrize("interval", [1, 2])
@pytest.mark.parametrize("die_in", [1, 2, 4])
def test_resumed_weights_are_identical(tmp_path: Path, die_in: int, interval: int) -> None:
    _, whole = _train(tmp_path / "whole", interval=interval)
    with pytest.raises(_Killed):
        _train(tmp_path / "killed", die_in=die_in, interval=interval)
    trainer, resumed = _train(tmp_path / "killed", interval=interval)
    assert torch.equal(whole.weight, resumed.weight)
    assert (trainer.state.epoch, trainer.state.iteration) == (4, 8)
    assert [path.name for path in (tmp_path / "killed").iterdir()] == ["checkpoint.pt"]


def test_finished_training_only_completes(tmp_path: Path) -> None:
    """Killed after the last checkpoint and before the end: nothing is trained again."""
    _, whole = _train(tmp_path)
    trainer, again = _train(tmp_path, die_in=5)
    assert torch.equal(whole.weight, again.weight)
    assert trainer.state.iteration == 8


def test_more_epochs_go_on_from_the_last(tmp_path: Path) -> None:
    _, whole = _train(tmp_path / "a", epochs=5)
    _train(tmp_path / "b", epochs=3)
    _, longer = _train(tmp_path / "b", epochs=5)
    assert torch.equal(whole.weight, longer.weight)


def test_other_ranks_restore_and_write_nothing(tmp_path: Path) -> None:
    _train(tmp_path, epochs=2)
    before = sorted(path.name for path in tmp_path.iterdir())
    network = nn.Linear(3, 1)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9)
    trainer = Engine(lambda *_: None)
    handler = ResumableCheckpoint(tmp_path, {"network": network, "optimizer": optimizer}, save=False)
    handler.attach(trainer)
    epochs: list[int] = []
    trainer.add_event_handler(Events.EPOCH_STARTED, lambda e: epochs.append(e.state.epoch))
    trainer.run(range(2), max_epochs=3)
    assert epochs == [3]
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_checkpoint_of_another_network_is_refused(tmp_path: Path) -> None:
    _train(tmp_path, width=3, epochs=1)
    with pytest.raises(EchoSynthError, match="does not fit this training") as caught:
        _train(tmp_path, width=4)
    assert "checkpoint.pt" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("keep", [0, 100])
def test_damaged_checkpoint_is_named(tmp_path: Path, keep: int) -> None:
    _train(tmp_path, epochs=1)
    path = tmp_path / "checkpoint.pt"
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(EchoSynthError, match=r"checkpoint\.pt"):
        _train(tmp_path)


def test_checkpoint_holds_no_pickled_code(tmp_path: Path) -> None:
    _train(tmp_path, epochs=1)
    assert set(torch.load(tmp_path / "checkpoint.pt", weights_only=True)) == {"network", "optimizer", "trainer"}


def test_folder_of_a_finished_training_can_be_used_again(tmp_path: Path) -> None:
    """Without ``keep`` the second training starts at its first epoch; an interrupted one still goes on."""

    def run(die: bool = False) -> tuple[int, int]:
        trainer = Engine(lambda engine, _: None)
        first: list[int] = []
        trainer.add_event_handler(Events.EPOCH_STARTED, lambda engine: first.append(engine.state.epoch))
        ResumableCheckpoint(tmp_path, {}, keep=False).attach(trainer)
        if die:
            trainer.add_event_handler(Events.EPOCH_STARTED(once=3), _raise)
        trainer.run(range(2), max_epochs=3)
        return first[0], len(list(tmp_path.iterdir()))

    assert run() == (1, 0)
    with pytest.raises(_Killed):
        run(die=True)
    assert run() == (3, 0)
    assert run() == (1, 0)


def _raise(_engine: Engine) -> None:
    raise _Killed
