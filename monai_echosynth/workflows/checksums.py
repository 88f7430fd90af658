"""Checksums beside the weights of a bundle, which ``echosynth verify`` and ``sha256sum -c`` read."""

from __future__ import annotations

import hashlib
from pathlib import Path

from monai_echosynth.data.atomic import write_text
from monai_echosynth.workflows.verify import CHECKSUMS

__all__ = ["write_checksums"]


def write_checksums(bundle: Path) -> None:
    """Write ``models/SHA256SUMS`` over all weight files, in the format of ``sha256sum``."""
    models = bundle / "models"
    files = sorted(
        path for path in models.iterdir() if path.is_file() and path.name != CHECKSUMS and path.stat().st_size
    )
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}" for path in files]
    write_text(models / CHECKSUMS, "\n".join(lines) + "\n")
