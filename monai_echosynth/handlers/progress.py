"""One progress bar for a whole training, with the loss and an estimate of the time left."""

from __future__ import annotations

from typing import Any

from ignite.engine import Engine, Events
from tqdm import tqdm

__all__ = ["Progress"]


class Progress:
    """Shows iterations done of all epochs.

    Args:
        description: what is being trained.
        disable: show nothing (ranks other than 0, for instance).
    """

    def __init__(self, description: str, disable: bool = False) -> None:
        self.description = description
        self.disable = disable
        self._bar: Any = None
        self._loss: float | None = None

    def attach(self, engine: Engine) -> None:
        """Register with a trainer."""
        engine.add_event_handler(Events.EPOCH_STARTED, self._open)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._step)
        engine.add_event_handler(Events.COMPLETED, self._close)
        engine.add_event_handler(Events.EXCEPTION_RAISED, self._fail)

    def _open(self, engine: Engine) -> None:
        if self._bar is None:
            total = (engine.state.max_epochs or 0) * (engine.state.epoch_length or 0)
            self._bar = tqdm(
                total=total, initial=engine.state.iteration, desc=self.description, unit="it", disable=self.disable
            )

    def _step(self, engine: Engine) -> None:
        output = engine.state.output
        loss = (output[0] if isinstance(output, list) else output)["loss"].item()
        self._loss = loss if self._loss is None else 0.98 * self._loss + 0.02 * loss
        self._bar.update()
        self._bar.set_postfix(loss=f"{self._loss:.4f}", refresh=False)

    def _close(self, engine: Engine) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def _fail(self, engine: Engine, error: BaseException) -> None:
        self._close(engine)  # the message that follows stands on a line of its own
        raise error
