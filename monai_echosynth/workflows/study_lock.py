"""One study at a time in an output folder: a lock file that names its process, and that a dead process does not hold.

A lock whose process has ended (or whose number now belongs to a younger process) is stale and is taken over, so a study
that was killed starts again without any cleaning by hand.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from monai_echosynth.errors import EchoSynthError

__all__ = ["LOCK_NAME", "refuse_if_held", "study_lock"]

LOCK_NAME = ".lock"
_CLOCK_SLACK = 1.0  # seconds


@contextmanager
def study_lock(out: Path) -> Iterator[None]:
    """Holds ``out`` for this process while the block runs.

    Raises:
        EchoSynthError: another living process holds the folder.
        OSError: the folder cannot be written.
    """
    out.mkdir(parents=True, exist_ok=True)
    lock = out / LOCK_NAME
    _acquire(lock)
    try:
        yield
    finally:
        with suppress(OSError):
            lock.unlink(missing_ok=True)


def _acquire(lock: Path) -> None:
    process = psutil.Process()
    holder = json.dumps({"pid": process.pid, "host": socket.gethostname(), "started": process.create_time()})
    try:
        _create(lock, holder)
    except FileExistsError:
        refuse_if_held(lock)
        lock.unlink(missing_ok=True)
        _create(lock, holder)


def _create(lock: Path, holder: str) -> None:
    with lock.open("x", encoding="utf-8") as stream:
        stream.write(holder)


def refuse_if_held(lock: Path) -> None:
    """Raises an EchoSynthError where a living process holds the lock."""
    try:
        holder = json.loads(lock.read_text())
        pid, host, started = int(holder["pid"]), str(holder["host"]), float(holder["started"])
    except (OSError, ValueError, KeyError, TypeError):
        return
    if host != socket.gethostname():
        held = f"{lock} is held by process {pid} on {host}"
        raise EchoSynthError(f"one study at a time in a folder, {held}: delete that file if the study has ended")
    if _is_alive(pid, started):
        held = f"{lock.parent} is in use by process {pid}"
        raise EchoSynthError(f"one study at a time in a folder, {held}: wait for it or choose another --out")


def _is_alive(pid: int, started: float) -> bool:
    try:
        process = psutil.Process(pid)
        same = abs(process.create_time() - started) < _CLOCK_SLACK
        return same and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
