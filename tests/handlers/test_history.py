"""The training curve: one record an epoch, superseded ones dropped, validation only where it ran."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from ignite.engine import Engine, Events
from monai.handlers import ValidationHandler

from monai_echosynth.handlers.history import TrainingHistory


def _run(
    path: Path, losses: list[float], first: int = 1, evaluator: Any = None, interval: int = 1
) -> list[dict[str, Any]]:
    """One epoch of two iterations per loss, beginning with epoch ``first``; returns the records."""
    trainer = Engine(lambda engine, _batch: {"loss": torch.tensor(losses[engine.state.epoch - first])})

    def start(engine: Engine) -> None:
        engine.state.epoch, engine.state.iteration = first - 1, 2 * (first - 1)

    trainer.add_event_handler(Events.STARTED, start)
    if evaluator is not None:
        trainer.add_event_handler(
            Events.EPOCH_COMPLETED(every=interval), lambda engine: evaluator.run(engine.state.epoch)
        )
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.25)
    TrainingHistory(path, optimizer, evaluator).attach(trainer)
    trainer.run(range(2), max_epochs=first + len(losses) - 1)
    records: list[dict[str, Any]] = json.loads(path.read_text())
    return records


def test_one_record_an_epoch(tmp_path: Path) -> None:
    records = _run(tmp_path / "history.json", [3.0, 2.0])
    assert [(r["epoch"], r["iteration"], r["loss"], r["learning_rate"]) for r in records] == [
        (1, 2, 3.0, 0.25),
        (2, 4, 2.0, 0.25),
    ]


def test_records_after_the_checkpoint_are_superseded(tmp_path: Path) -> None:
    path = tmp_path / "history.json"
    _run(path, [3.0, 2.0, 1.0, 0.5])
    records = _run(path, [9.0, 8.0], first=3)
    assert [(r["epoch"], r["loss"]) for r in records] == [(1, 3.0), (2, 2.0), (3, 9.0), (4, 8.0)]


class _Evaluator:
    """Counts its runs as MONAI's evaluators do: ``state.epoch`` is the trainer's epoch of the last run."""

    def __init__(self) -> None:
        self.state = Engine(lambda *_: None).state
        self.state.metrics = {}

    def run(self, global_epoch: int) -> None:
        self.state.epoch = global_epoch
        self.state.metrics = {"dice": 0.1 * global_epoch}


def test_validation_stands_where_it_ran(tmp_path: Path) -> None:
    records = _run(tmp_path / "history.json", [1.0] * 4, evaluator=_Evaluator(), interval=2)
    assert [r.get("validation_dice") for r in records] == [None, pytest.approx(0.2), None, pytest.approx(0.4)]


def test_monai_s_handler_sets_the_epoch_we_compare_with() -> None:
    """The premise of the test above."""
    from monai.engines import SupervisedEvaluator

    network = torch.nn.Identity()
    batch = [{"image": torch.zeros(1, 1), "label": torch.zeros(1, 1)}]
    evaluator = SupervisedEvaluator(torch.device("cpu"), batch, network, decollate=False)
    trainer = Engine(lambda *_: None)
    ValidationHandler(validator=evaluator, interval=2, epoch_level=True).attach(trainer)
    epochs: list[int] = []
    trainer.add_event_handler(Events.EPOCH_COMPLETED, lambda _: epochs.append(evaluator.state.epoch))
    trainer.run(range(1), max_epochs=4)
    assert epochs == [0, 2, 2, 4]
