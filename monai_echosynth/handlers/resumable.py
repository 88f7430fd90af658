"""Checkpoint after every few epochs; start from the newest one where there is one.

The checkpoint holds plain state dicts of all objects and of the trainer itself and is read with ``weights_only=True``.
Together with seeded sampling (order, augmentation and noise follow from seed and epoch) a training that was killed and
started again ends with the same weights as one that was not.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from ignite.engine import Engine, Events

from monai_echosynth.data.atomic import atomic_path
from monai_echosynth.errors import EchoSynthError

__all__ = ["ResumableCheckpoint"]


class ResumableCheckpoint:
    """Saves and restores a training: one file, always whole, the newest state only.

    Args:
        ckpt_dir: folder of the checkpoint.
        objects: objects with ``state_dict`` and ``load_state_dict`` by name; the trainer is added under ``trainer``.
        interval: epochs between checkpoints; the last epoch is always saved.
        save: write checkpoints (rank 0 only); restoring happens on every rank.
        keep: leave the checkpoint where training has ended; without, the next training in the same folder starts anew.
    """

    def __init__(
        self, ckpt_dir: str | Path, objects: Mapping[str, Any], interval: int = 1, save: bool = True, keep: bool = True
    ) -> None:
        self.path = Path(ckpt_dir) / "checkpoint.pt"
        self.objects = dict(objects)
        self.interval = interval
        self.save = save
        self.keep = keep

    def attach(self, engine: Engine) -> None:
        """Register with a trainer."""
        engine.add_event_handler(Events.STARTED, self.restore)
        if self.save:
            due = Events.EPOCH_COMPLETED(event_filter=lambda e, n: n % self.interval == 0 or n == e.state.max_epochs)
            engine.add_event_handler(due, self.write)
            if not self.keep:
                engine.add_event_handler(Events.COMPLETED, self.remove)

    def write(self, engine: Engine) -> None:
        """Replace the checkpoint by the present state, in one step."""
        state = {name: item.state_dict() for name, item in {**self.objects, "trainer": engine}.items()}
        with atomic_path(self.path) as partial:
            torch.save(state, partial)

    def remove(self, engine: Engine) -> None:
        """Delete the checkpoint."""
        self.path.unlink(missing_ok=True)

    def restore(self, engine: Engine) -> None:
        """Load the checkpoint, if there is one.

        Raises:
            EchoSynthError: if it is damaged or belongs to another training.
        """
        if not self.path.is_file():
            return
        max_epochs, epoch_length = engine.state.max_epochs, engine.state.epoch_length
        try:
            state = torch.load(self.path, map_location="cpu", weights_only=True)
            for name, item in {**self.objects, "trainer": engine}.items():
                item.load_state_dict(state[name])
        except OSError:
            raise
        except Exception as error:  # a damaged file raises whatever its bytes lead to
            first = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise EchoSynthError(
                f"checkpoint {self.path} does not fit this training ({first}): remove its folder to start anew, "
                "or use the settings it was made with"
            ) from error
        engine.state.max_epochs, engine.state.epoch_length = max_epochs, epoch_length
