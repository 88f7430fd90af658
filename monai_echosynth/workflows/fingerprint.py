"""What a stage's result depends on, as one SHA-256: settings, upstream stages and the content of outside data.

Times and locations do not enter: a data folder that was copied or touched keeps its identity, one changed byte, one
added, renamed or missing file changes it.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from monai_echosynth.errors import EchoSynthError

__all__ = ["data_identity", "fingerprint"]

_BLOCK = 1 << 20


def fingerprint(value: object) -> str:
    """SHA-256 (hexadecimal) of the canonical JSON of ``value``: keys sorted, no spaces, ASCII.

    Raises:
        EchoSynthError: ``value`` holds something that JSON cannot say, such as an open file or a function.
    """
    try:
        text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    except TypeError as error:
        remedy = "give numbers, strings, lists and mappings"
        raise EchoSynthError(f"stage settings must be plain JSON values, {error}: {remedy}") from None
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def data_identity(path: Path) -> str:
    """SHA-256 over relative names and contents of a file, or of all files below a folder.

    Raises:
        EchoSynthError: ``path`` does not exist.
    """
    if path.is_file():
        return _file_digest(path)
    if not path.is_dir():
        raise EchoSynthError(f"input data must exist, {path} does not: check the path")
    files = sorted(file for file in path.rglob("*") if file.is_file())
    return fingerprint([[file.relative_to(path).as_posix(), _file_digest(file)] for file in files])


def _file_digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()
