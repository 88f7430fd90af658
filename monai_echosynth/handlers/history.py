"""Training curve as a small JSON file that survives interruption."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from ignite.engine import Engine, Events

from monai_echosynth.data.atomic import write_json

__all__ = ["TrainingHistory"]


class TrainingHistory:
    """Appends mean loss, learning rate and validation metrics of every epoch to a list of records in a JSON file.

    Args:
        path: file to write; records of epochs later than the one resumed from are dropped.
        optimizer: its first learning rate is recorded.
        evaluator: validation engine whose metrics are recorded in the epochs in which it ran.
    """

    def __init__(self, path: str | Path, optimizer: Any = None, evaluator: Engine | None = None) -> None:
        self.path = Path(path)
        self.optimizer = optimizer
        self.evaluator = evaluator
        self._losses: list[float] = []
        self._started = 0.0

    def attach(self, engine: Engine) -> None:
        """Register with a trainer."""
        engine.add_event_handler(Events.EPOCH_STARTED, self._begin)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._collect)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self._record)

    def _begin(self, engine: Engine) -> None:
        self._losses, self._started = [], time.perf_counter()

    def _collect(self, engine: Engine) -> None:
        output = engine.state.output
        self._losses.append((output[0] if isinstance(output, list) else output)["loss"].item())

    def _record(self, engine: Engine) -> None:
        epoch = engine.state.epoch
        records = json.loads(self.path.read_text()) if self.path.is_file() else []
        record: dict[str, Any] = {
            "epoch": epoch,
            "iteration": engine.state.iteration,
            "loss": sum(self._losses) / max(len(self._losses), 1),
            "seconds": round(time.perf_counter() - self._started, 3),
        }
        if self.optimizer is not None:
            record["learning_rate"] = self.optimizer.param_groups[0]["lr"]
        if self.evaluator is not None and self.evaluator.state.epoch == epoch:
            record |= {f"validation_{name}": float(value) for name, value in self.evaluator.state.metrics.items()}
        write_json(self.path, [*(r for r in records if r["epoch"] < epoch), record])
