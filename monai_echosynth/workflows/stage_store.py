"""What a study remembers of its stages between runs: one JSON record each, and a marker while one is at work.

::

    OUT/stages/<stage>.json          the finished stage: fingerprint, settings, outputs, time, memory, metrics
    OUT/stages/<stage>.started.json  {"fingerprint": ...} of a stage at work or interrupted

A stage's folder is deleted only when a marker or a record shows that this study wrote it.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from monai_echosynth.data.atomic import PARTIAL_PREFIX, write_json
from monai_echosynth.errors import EchoSynthError

__all__ = ["StageRecord", "StageStore"]


@dataclass(frozen=True)
class StageRecord:
    """One finished stage.

    Attributes:
        outputs: number of files and bytes of each output; paths are relative to the study's folder.
        seconds: wall time of the run that finished the stage; only the last part of it if ``resumed``.
        peak_memory_mb: largest memory of the process and its children during that run, in MiB.
    """

    stage: str
    fingerprint: str
    settings: dict[str, Any]
    inputs: dict[str, str]
    outputs: dict[str, dict[str, int]]
    seconds: float
    peak_memory_mb: float
    resumed: bool
    finished: str
    metrics: dict[str, Any]


class StageStore:
    """Reads and writes the records below ``out/stages``."""

    def __init__(self, out: Path) -> None:
        """``out`` is the study's folder."""
        self.out = out

    def record(self, stage: str) -> StageRecord | None:
        """The record of a finished stage; None where there is none or it cannot be read."""
        return _read_record(self.out / "stages" / f"{stage}.json")

    def records(self, stages: Sequence[str]) -> dict[str, StageRecord]:
        """The records of those of ``stages`` that are finished, in this order."""
        found = {stage: self.record(stage) for stage in stages}
        return {stage: record for stage, record in found.items() if record is not None}

    def started(self, stage: str) -> str | None:
        """Fingerprint of the unfinished run of a stage, if there is one."""
        try:
            return str(json.loads(self._marker(stage).read_text(encoding="utf-8"))["fingerprint"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def is_whole(self, record: StageRecord) -> bool:
        """Whether every output is still there: no file fewer and no byte less than when the stage finished."""
        for relative, size in record.outputs.items():
            now = _size(self.out / relative)
            if now["files"] < size["files"] or now["bytes"] < size["bytes"]:
                return False
        return True

    def begin(self, stage: str, fingerprint: str, outputs: Sequence[str]) -> bool:
        """Makes ready to run a stage: resumes what has the same fingerprint, else clears what an earlier run left.

        Returns:
            True when files of an earlier run with the same fingerprint are kept.

        Raises:
            EchoSynthError: an output exists that no study wrote, or that lies outside the study's folder.
        """
        record = self.record(stage)
        known = self.started(stage) or (record.fingerprint if record else None)
        resumed = known == fingerprint
        if not resumed:
            for relative in outputs:
                self._clear(relative, written_by_study=known is not None)
        (self.out / "stages" / f"{stage}.json").unlink(missing_ok=True)
        write_json(self._marker(stage), {"fingerprint": fingerprint})
        return resumed

    def finish(self, record: StageRecord) -> None:
        """Writes the record, then drops the marker."""
        write_json(self.out / "stages" / f"{record.stage}.json", asdict(record))
        self._marker(record.stage).unlink(missing_ok=True)

    def sizes(self, outputs: Sequence[str]) -> dict[str, dict[str, int]]:
        """Number of files and bytes of each output."""
        return {relative: _size(self.out / relative) for relative in outputs}

    def _marker(self, stage: str) -> Path:
        return self.out / "stages" / f"{stage}.started.json"

    def _clear(self, relative: str, written_by_study: bool) -> None:
        path = self.out / relative
        root = self.out.resolve()
        if path.resolve() == root or root not in path.resolve().parents:
            raise EchoSynthError(f"a stage writes only below the study's folder, got {path}: choose another name")
        if not path.exists() or (path.is_dir() and not any(path.iterdir())):
            return
        if not written_by_study:
            problem = f"{path} must not exist before the study makes it, it holds files"
            raise EchoSynthError(f"{problem}: move it away or choose another --out")
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def _read_record(path: Path) -> StageRecord | None:
    try:
        return StageRecord(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def _size(path: Path) -> dict[str, int]:
    files = [path] if path.is_file() else [f for f in path.rglob("*") if f.is_file()] if path.is_dir() else []
    whole = [file for file in files if not file.name.startswith(PARTIAL_PREFIX)]
    return {"files": len(whole), "bytes": sum(file.stat().st_size for file in whole)}
