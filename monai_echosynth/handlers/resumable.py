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
from ignite.handlers import Checkpoint, DiskSaver

from monai_echosynth.errors import EchoSynthError

__all__ = ["ResumableCheckpoint"]


class ResumableCheckpoint:
    """Saves and restores a training in a folder that keeps the newest checkpoint only.

    Args:
        ckpt_dir: folder of the checkpoint.
        objects: objects with ``state_dict`` and ``load_state_dict`` by name; the trainer is added under ``trainer``.
        interval: epochs between checkpoints; the last epoch is always saved.
        save: write checkpoints (rank 0 only); restoring happens on every rank.
    """

    def __init__(self, ckpt_dir: str | Path, objects: Mapping[str, Any], interval: int = 1, save: bool = True) -> None:
        self.ckpt_dir = Path(ckpt_dir)
        self.objects = dict(objects)
        self.interval = interval
        self.save = save

    def attach(self, engine: Engine) -> None:
        """Register with a trainer."""
        engine.add_event_handler(Events.STARTED, self.restore)
        if self.save:
            writer = Checkpoint(
                {**self.objects, "trainer": engine},
                DiskSaver(str(self.ckpt_dir), create_dir=True, require_empty=False, atomic=True),
                filename_pattern="checkpoint_{global_step}.{ext}",
                global_step_transform=lambda engine, _: engine.state.epoch,
                n_saved=1,
            )
            due = Events.EPOCH_COMPLETED(event_filter=lambda e, n: n % self.interval == 0 or n == e.state.max_epochs)
            engine.add_event_handler(due, writer)

    def restore(self, engine: Engine) -> None:
        """Load the newest checkpoint of the folder, if any.

        Raises:
            EchoSynthError: if it belongs to another network.
        """
        newest = max(self.ckpt_dir.glob("checkpoint_*.pt"), key=lambda p: int(p.stem.split("_")[-1]), default=None)
        if newest is None:
            return
        max_epochs, epoch_length = engine.state.max_epochs, engine.state.epoch_length
        try:
            state = torch.load(newest, map_location="cpu", weights_only=True)
            Checkpoint.load_objects({**self.objects, "trainer": engine}, state)
        except OSError:
            raise
        except Exception as error:  # a damaged file raises whatever its bytes lead to
            first = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise EchoSynthError(
                f"checkpoint {newest} does not fit this training ({first}): remove its folder to start anew, "
                "or use the settings it was made with"
            ) from error
        engine.state.max_epochs, engine.state.epoch_length = max_epochs, epoch_length
        for other in newest.parent.glob("checkpoint_*.pt"):
            if self.save and other != newest:
                other.unlink()
        self._superseded = newest
        engine.add_event_handler(Events.EPOCH_COMPLETED, self._drop_superseded)

    def _drop_superseded(self, engine: Engine) -> None:
        newer = [p for p in self.ckpt_dir.glob("checkpoint_*.pt") if p != self._superseded]
        if self.save and newer:
            self._superseded.unlink(missing_ok=True)
