"""Checksums beside the weights of a bundle, which ``echosynth verify`` and ``sha256sum -c`` read."""

from __future__ import annotations

import hashlib
from pathlib import Path

from monai_echosynth.data.atomic import write_text
from monai_echosynth.errors import EchoSynthError

__all__ = ["CHECKSUMS", "check_checksums", "file_digest", "write_checksums"]

CHECKSUMS = "SHA256SUMS"
"""Name of the file in ``models/``."""


def write_checksums(bundle: Path) -> None:
    """Write ``models/SHA256SUMS`` over all weight files, in the format of ``sha256sum``."""
    models = bundle / "models"
    files = sorted(
        path for path in models.iterdir() if path.is_file() and path.name != CHECKSUMS and path.stat().st_size
    )
    lines = [f"{file_digest(path)}  {path.name}" for path in files]
    write_text(models / CHECKSUMS, "\n".join(lines) + "\n")


def check_checksums(bundle: Path) -> int:
    """Number of files in ``models/`` that ``SHA256SUMS`` lists, all of them as listed.

    Raises:
        EchoSynthError: there is no list, a listed file is missing or differs, or a weight file is not listed.
    """
    models = bundle / "models"
    sums = models / CHECKSUMS
    if not sums.is_file():
        raise EchoSynthError(f"models/ holds weights and no {CHECKSUMS}")
    lines = [line for line in sums.read_text(encoding="utf-8").splitlines() if line.strip()]
    wanted = {name.lstrip("*"): digest for digest, name in (line.split(maxsplit=1) for line in lines)}
    for name, digest in wanted.items():
        if not (models / name).is_file():
            raise EchoSynthError(f"{name} is listed and missing")
        if file_digest(models / name) != digest:
            raise EchoSynthError(f"{name} differs from its checksum")
    unlisted = [path.name for path in models.glob("*.safetensors") if path.name not in wanted]
    if unlisted:
        raise EchoSynthError(f"{', '.join(unlisted)} not listed in {CHECKSUMS}")
    return len(wanted)


def file_digest(path: Path) -> str:
    """SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
