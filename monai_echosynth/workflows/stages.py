"""A study as a list of stages: each runs once, again when something it depends on changed, and resumes when interrupted.

A stage is finished when ``OUT/stages/<stage>.json`` carries its fingerprint and its outputs are whole. The fingerprint is
the SHA-256 of the stage's settings, its code version, the fingerprints of the stages it reads from and the content of
outside data; so a changed setting re-runs its stage and everything downstream, and nothing else.

Example::

    stages = [
        Stage("prepare", {"size": 128}, make_prepared, inputs={"source": Path("camus")}, folder="prepared"),
        Stage("autoencoder", {"epochs": 20}, train_vae, inputs={"frames": "prepare"}, weight=120.0),
    ]
    records = run_stages(stages, Path("runs/camus"))
"""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from monai_echosynth.errors import EchoSynthError
from monai_echosynth.workflows.fingerprint import data_identity, fingerprint
from monai_echosynth.workflows.machine import PeakMemory
from monai_echosynth.workflows.stage_progress import StageProgress
from monai_echosynth.workflows.stage_store import StageRecord, StageStore
from monai_echosynth.workflows.study_lock import study_lock

__all__ = ["Stage", "StageContext", "StageRun", "run_stages"]


@dataclass(frozen=True)
class StageContext:
    """What a stage's function is given.

    Attributes:
        out: the study's folder.
        folder: the stage's first output (a folder that exists, or the path of a file to write).
        inputs: path of each input: outside data, or the first output of the upstream stage.
        settings: the stage's settings.
        resumed: files of an interrupted run with the same fingerprint are there and may be continued.
        log: logger whose lines go to ``OUT/logs/<stage>.log``.
    """

    out: Path
    folder: Path
    inputs: Mapping[str, Path]
    settings: Mapping[str, Any]
    resumed: bool
    log: logging.Logger


@dataclass(frozen=True)
class Stage:
    """One step of a study.

    Attributes:
        name: short name, unique in the study.
        settings: everything that shapes the result, as plain JSON values.
        run: does the work and returns metrics for the record; must be able to continue when ``context.resumed``.
        inputs: a ``Path`` is outside data, a string names an earlier stage.
        folder: first output, relative to the study's folder; the stage's name by default.
        extra_outputs: further files or folders that it writes, relative to the study's folder.
        weight: expected seconds on two cores; only the remaining time is estimated from it.
        version: raise it when the stage's code changes so that old results no longer hold.
    """

    name: str
    settings: Mapping[str, Any]
    run: Callable[[StageContext], Mapping[str, Any] | None]
    inputs: Mapping[str, Path | str] = field(default_factory=dict)
    folder: str | None = None
    extra_outputs: Sequence[str] = ()
    weight: float = 1.0
    version: int = 1

    @property
    def outputs(self) -> tuple[str, ...]:
        """All outputs, relative to the study's folder."""
        return (self.folder or self.name, *self.extra_outputs)


def run_stages(stages: Sequence[Stage], out: Path, echo: Callable[[str], None] = print) -> dict[str, StageRecord]:
    """Runs what is not finished, in the given order, and returns the record of every stage.

    Args:
        stages: a stage stands after those it names as inputs.
        out: the study's folder, made when missing.
        echo: receives the progress lines.

    Raises:
        EchoSynthError: another process works in ``out``, a stage names an unknown input, or a stage failed on its input.
        OSError: ``out`` cannot be written.
        KeyboardInterrupt: passed on; the next run resumes.
    """
    with study_lock(out):
        study = StageRun(stages, out, echo)
        for stage in stages:
            if not study.is_done(stage):
                study.run(stage)
        study.progress.done()
    return study.records


class StageRun:
    """One process at work on a study: which stages are finished, and the running of one that is not.

    Attributes:
        records: the stages that are known to be finished.
        progress: what is said of them.
    """

    def __init__(self, stages: Sequence[Stage], out: Path, echo: Callable[[str], None], workers: int = 1) -> None:
        """Arguments and errors of an unsuitable list are those of :func:`run_stages`; ``workers`` processes share the stages."""
        _check_order(stages)
        self.records: dict[str, StageRecord] = {}
        self.progress = StageProgress([(stage.name, stage.weight) for stage in stages], echo, workers)
        self._folders = {stage.name: out / stage.outputs[0] for stage in stages}
        self._store = StageStore(out)
        self._identities: dict[Path, str] = {}

    def is_ready(self, stage: Stage) -> bool:
        """Whether the stages that it reads from are known to be finished."""
        return all(isinstance(source, Path) or source in self.records for source in stage.inputs.values())

    def is_done(self, stage: Stage) -> bool:
        """Whether a ready stage is finished, by whatever process; its record is taken over."""
        record = self._store.record(stage.name)
        if not record or record.fingerprint != self._key(stage) or not self._store.is_whole(record):
            return False
        self.records[stage.name] = record
        self.progress.skipped(stage.name, record.seconds)
        return True

    def run(self, stage: Stage) -> None:
        """Runs a ready stage; raises what its function raises."""
        store, key = self._store, self._key(stage)
        resumed = store.begin(stage.name, key, stage.outputs)
        self.progress.begins(stage.name, resumed)
        sources = stage.inputs.items()
        paths = {name: source if isinstance(source, Path) else self._folders[source] for name, source in sources}
        folder = self._folders[stage.name]
        if not folder.suffix:
            folder.mkdir(parents=True, exist_ok=True)
        start = time.monotonic()
        with _stage_log(store.out, stage.name) as log, PeakMemory() as memory:
            context = StageContext(store.out, folder, paths, stage.settings, resumed, log)
            metrics = dict(stage.run(context) or {})
        record = StageRecord(
            stage=stage.name,
            fingerprint=key,
            settings=dict(stage.settings),
            inputs=self._sources(stage),
            outputs=store.sizes(stage.outputs),
            seconds=round(time.monotonic() - start, 2),
            peak_memory_mb=memory.megabytes,
            resumed=resumed,
            finished=datetime.now(UTC).isoformat(timespec="seconds"),
            metrics=metrics,
        )
        store.finish(record)
        self.records[stage.name] = record
        self.progress.ends(stage.name, record.seconds, record.peak_memory_mb)

    def _key(self, stage: Stage) -> str:
        return fingerprint({"settings": stage.settings, "version": stage.version, "inputs": self._sources(stage)})

    def _sources(self, stage: Stage) -> dict[str, str]:
        return {name: self._identity(source) for name, source in stage.inputs.items()}

    def _identity(self, source: Path | str) -> str:
        """Fingerprint of a finished stage, or of outside data, which is read once."""
        if not isinstance(source, Path):
            return self.records[source].fingerprint
        if source not in self._identities:
            self._identities[source] = data_identity(source)
        return self._identities[source]


@contextmanager
def _stage_log(out: Path, stage: str) -> Iterator[logging.Logger]:
    """Sends what any library logs while the block runs to ``out/logs/<stage>.log`` too, with a failure's traceback."""
    path = out / "logs" / f"{stage}.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root, log = logging.getLogger(), logging.getLogger(f"echosynth.{stage}")
    log.setLevel(logging.INFO)
    root.addHandler(handler)
    try:
        log.info("started")
        yield log
        log.info("finished")
    except KeyboardInterrupt:
        log.info("interrupted")
        raise
    except Exception:
        with path.open("a", encoding="utf-8") as stream:  # the file alone: the console gets one line
            traceback.print_exc(file=stream)
        raise
    finally:
        root.removeHandler(handler)
        handler.close()


def _check_order(stages: Sequence[Stage]) -> None:
    known: set[str] = set()
    for stage in stages:
        for source in stage.inputs.values():
            if isinstance(source, str) and source not in known:
                problem = f"stage {stage.name} reads from {source}, which does not come before it"
                raise EchoSynthError(f"{problem}: reorder the stages")
        if stage.name in known:
            raise EchoSynthError(f"stage names are unique, got {stage.name} twice: rename one")
        known.add(stage.name)
