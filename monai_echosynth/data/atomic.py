"""Files appear whole or not at all: write under a temporary name in the same folder, then rename.

A rename inside one file system is atomic (POSIX ``rename(2)``), so a reader sees the old file, the new one or none, and
a process that is killed leaves at most a hidden ``.partial-*`` file behind, which ``remove_partial`` clears. A full disk
or a missing permission stays an ``OSError``, and always names the file that could not be written.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

__all__ = ["PARTIAL_PREFIX", "atomic_path", "remove_partial", "write_bytes", "write_json", "write_text"]

PARTIAL_PREFIX = ".partial-"


@contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Gives a temporary path to write; it becomes ``path`` when the block ends well and vanishes when it raises.

    The temporary name lies in the same folder and ends with the whole name of ``path``, so that writers which choose the
    format by suffix (``.nii.gz``, ``.png``) work unchanged. Missing parent folders are made.

    Args:
        path: the file to write.

    Raises:
        OSError: the folder cannot be made or written, or the disk is full; ``filename`` is ``path``.
    """
    final = Path(path)
    partial = final.with_name(f"{PARTIAL_PREFIX}{os.getpid()}-{final.name}")
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        yield partial
        partial.replace(final)
    except OSError as error:
        _discard(partial)
        if error.filename not in (None, str(partial), partial):
            raise
        # numpy reports a short write without a number
        raise OSError(error.errno or errno.EIO, error.strerror or str(error), str(final)) from error
    except BaseException:
        _discard(partial)
        raise


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Writes ``text`` as UTF-8 with unix line ends, atomically."""
    with atomic_path(path) as partial, partial.open("w", encoding="utf-8", newline="\n") as stream:
        stream.write(text)


def write_bytes(path: str | os.PathLike[str], content: bytes) -> None:
    """Writes ``content``, atomically."""
    with atomic_path(path) as partial:
        partial.write_bytes(content)


def write_json(path: str | os.PathLike[str], obj: object) -> None:
    """Writes ``obj`` as indented JSON, atomically; paths become strings, arrays and tensors lists."""
    write_text(path, json.dumps(obj, indent=2, ensure_ascii=False, default=_plain) + "\n")


def remove_partial(folder: str | os.PathLike[str]) -> int:
    """Deletes what killed writers left anywhere under ``folder`` and says how many files that were.

    Call it only when no other process writes there.
    """
    leftovers = [path for path in Path(folder).rglob(f"{PARTIAL_PREFIX}*") if path.is_file()]
    for path in leftovers:
        path.unlink(missing_ok=True)
    return len(leftovers)


def _discard(partial: Path) -> None:
    with suppress(OSError):
        partial.unlink(missing_ok=True)


def _plain(value: Any) -> Any:
    """Plain Python form of the values that JSON does not know."""
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"JSON holds numbers, strings, lists and mappings; got {type(value).__name__}: convert it first")
