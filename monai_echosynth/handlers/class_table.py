"""Writes what a classifier says of each frame as a table: the file, the probability of each class, the most probable class."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from ignite.engine import Engine, Events
from monai.utils import CommonKeys, ImageMetaKey

from monai_echosynth.data.atomic import write_text

__all__ = ["ClassTable"]


class ClassTable:
    """Collects decollated probabilities ``pred`` (K,) of an evaluator and writes them as CSV when it ends.

    Args:
        path: file to write; columns ``image`` (file name), one a class, and ``predicted``.
        class_names: names of the K classes.
    """

    def __init__(self, path: str | Path, class_names: Sequence[str]) -> None:
        self.path = Path(path)
        self.class_names = list(class_names)
        self._rows: list[list[str]] = []

    def attach(self, engine: Engine) -> None:
        """Register with an evaluator."""
        engine.add_event_handler(Events.STARTED, self._begin)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._collect)
        engine.add_event_handler(Events.COMPLETED, self._write)

    def _begin(self, engine: Engine) -> None:
        self._rows = []

    def _collect(self, engine: Engine) -> None:
        for item, output in zip(engine.state.batch, engine.state.output, strict=True):
            probabilities = [float(value) for value in output[CommonKeys.PRED].flatten()]
            name = Path(item[CommonKeys.IMAGE].meta[ImageMetaKey.FILENAME_OR_OBJ]).name
            best = max(range(len(probabilities)), key=probabilities.__getitem__)
            self._rows.append([name, *(f"{value:.8f}" for value in probabilities), self.class_names[best]])

    def _write(self, engine: Engine) -> None:
        table = io.StringIO()
        writer = csv.writer(table, lineterminator="\n")
        writer.writerow(["image", *self.class_names, "predicted"])
        writer.writerows(self._rows)
        write_text(self.path, table.getvalue())
