"""A study that several processes work on at once: each takes the next stage that is ready and that nobody else is at.

Processes need not know of each other: ``torchrun`` may start them, or a user in two terminals. They meet in the study's folder,
where a stage at work is locked by its process. The system drops the lock of a process that has died, and another one takes
the stage over. Nobody waits but for stages that others are at and that all the rest depends on.
"""

from __future__ import annotations

import fcntl
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from monai_echosynth.errors import EchoSynthError
from monai_echosynth.workflows.fingerprint import fingerprint
from monai_echosynth.workflows.stage_store import StageRecord
from monai_echosynth.workflows.stages import Stage, StageRun
from monai_echosynth.workflows.study_lock import LOCK_NAME, refuse_if_held

__all__ = ["share_stages", "stage_lock"]

_LOCKS = "locks"


def share_stages(
    stages: Sequence[Stage], out: Path, echo: Callable[[str], None] = print, poll: float = 0.5, workers: int = 1
) -> dict[str, StageRecord]:
    """Runs, together with other processes, what is not finished; returns the record of every stage once all are.

    Args:
        stages: a stage stands after those it names as inputs.
        out: the study's folder, made when missing.
        echo: receives the progress lines of this process.
        poll: seconds between looks at what others have finished, when there is nothing else to do.
        workers: processes at work, as far as this one knows; the time left is estimated for so many.

    Raises:
        EchoSynthError: another process is at another study in ``out``; or as ``run_stages``.
        OSError: ``out`` cannot be written.
        KeyboardInterrupt: passed on; the next run resumes.
    """
    study, waits = StageRun(stages, out, echo, workers), False
    with _joined(out, stages):
        while len(study.records) < len(stages):
            if any(_advance(study, stage, out) for stage in stages if stage.name not in study.records):
                waits = False
                continue
            if not waits:
                left = len(stages) - len(study.records)
                echo(f"waiting for other processes, {left} of {len(stages)} stages are not done")
            waits = True
            time.sleep(poll)
        study.progress.done()
    return study.records


def _advance(study: StageRun, stage: Stage, out: Path) -> bool:
    """Whether one more stage is finished, found so or run here."""
    if not study.is_ready(stage):
        return False
    if study.is_done(stage):
        return True
    with stage_lock(out, stage.name) as mine:
        if not mine:
            return False
        if not study.is_done(stage):  # by another process, in the meantime
            study.run(stage)
    return True


@contextmanager
def stage_lock(out: Path, stage: str) -> Iterator[bool]:
    """Whether a stage of the study in ``out`` is this process's alone while the block runs."""
    path = out / _LOCKS / f"{stage}.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            mine = True
        except BlockingIOError:
            mine = False
        yield mine


@contextmanager
def _joined(out: Path, stages: Sequence[Stage]) -> Iterator[None]:
    """Holds the folder together with processes of the same study, and against all others."""
    key = fingerprint([[stage.name, stage.settings, {k: str(v) for k, v in stage.inputs.items()}] for stage in stages])
    path = out / _LOCKS / "study"
    path.parent.mkdir(parents=True, exist_ok=True)
    refuse_if_held(out / LOCK_NAME)
    with path.open("a+") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            stream.truncate(0)
            stream.write(key)
            stream.flush()
        except BlockingIOError:
            pass  # others are here; the shared lock waits for the moment that the first one takes to write
        fcntl.flock(stream, fcntl.LOCK_SH)
        stream.seek(0)
        if stream.read() != key:
            raise EchoSynthError(
                "processes that share a folder work on one study, got one with other settings while another is at work in "
                f"{out}: wait for it or choose another --out"
            )
        yield
