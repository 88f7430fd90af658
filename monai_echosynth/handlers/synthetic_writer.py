"""Writes the images of a generation run while the next ones are computed."""

from __future__ import annotations

import time
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from ignite.engine import Engine, Events
from monai.utils.enums import CommonKeys
from tqdm import tqdm

from monai_echosynth.data.synthetic_set import SyntheticSet
from monai_echosynth.inferers.part_clock import PartClock

__all__ = ["SyntheticWriter"]


class SyntheticWriter:
    """Takes the evaluator's batches (not decollated) and hands them to writing threads; shows progress.

    Reads ``item`` indices, ``label`` (B, 1, X, Y), ``spacing`` (B, 2) from the batch and the images (B, 1, X, Y) from the output.

    Args:
        target: the set to write to.
        workers: writing threads.
        progress: show a bar over the whole set.

    Attributes:
        clock: seconds of ``writing``, and of ``run``: from the first batch asked for to the last file written.
    """

    def __init__(self, target: SyntheticSet, workers: int = 2, progress: bool = True) -> None:
        self.target = target
        self.workers = workers
        self.progress = progress
        self.clock = PartClock()
        self._start = 0.0
        self._pool: ThreadPoolExecutor | None = None
        self._waiting: deque[Future[None]] = deque()
        self._bar: Any = None

    def attach(self, engine: Engine) -> None:
        """Register with an evaluator."""
        engine.add_event_handler(Events.STARTED, self._open)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._write)
        engine.add_event_handler(Events.COMPLETED, self._close)
        engine.add_event_handler(Events.EXCEPTION_RAISED, self._fail)

    def _open(self, engine: Engine) -> None:
        total = len(self.target.items)
        done = total - len(self.target.pending())
        self._pool = ThreadPoolExecutor(self.workers)
        self._start = time.perf_counter()
        self._bar = tqdm(total=total, initial=done, desc="generating", unit="image", disable=not self.progress)

    def _write(self, engine: Engine) -> None:
        assert self._pool is not None
        batch, images = engine.state.batch, engine.state.output[CommonKeys.PRED].cpu().numpy()
        labels = batch["label"].cpu().numpy()
        for i, index in enumerate(batch["index"].tolist()):
            spacing = (float(batch["spacing"][i, 0]), float(batch["spacing"][i, 1]))
            job = (self.target.items[index], images[i, 0], labels[i, 0], spacing)
            self._waiting.append(self._pool.submit(self._save, *job))
        while len(self._waiting) > 4 * len(images) or (self._waiting and self._waiting[0].done()):
            self._waiting.popleft().result()
        self._bar.update(len(images))

    def _save(self, *job: Any) -> None:
        with self.clock.part("writing"):
            self.target.write(*job)

    def _close(self, engine: Engine) -> None:
        assert self._pool is not None
        for job in self._waiting:
            job.result()
        self._waiting.clear()
        self._pool.shutdown()
        self.clock.seconds["run"] = time.perf_counter() - self._start
        self._bar.close()

    def _fail(self, engine: Engine, error: BaseException) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
        if self._bar is not None:
            self._bar.close()
        raise error
