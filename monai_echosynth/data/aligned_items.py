"""The frames of a synthetic set as items of the set that is made from them: same order, names, masks and copies."""

from __future__ import annotations

import hashlib
import json
from os import PathLike
from pathlib import Path
from typing import Any

from monai_echosynth.data.datalist import load_datalist
from monai_echosynth.errors import EchoSynthError

__all__ = ["aligned_items", "source_description", "source_digest"]


def aligned_items(folder: str | PathLike[str], section: str = "training") -> list[dict[str, Any]]:
    """Items with ``image``, ``label`` (paths), ``id``, ``mask``, ``copy``, ``index`` and what the source says of the patient.

    Args:
        folder: output of ``echosynth generate``, or another prepared folder.
        section: section of it.

    Raises:
        EchoSynthError: the folder is not prepared, or the section is empty.
    """
    items = load_datalist(folder, section)
    if not items:
        raise EchoSynthError(
            f"frames to align were expected in section '{section}' of {folder}, got none: name another"
        )
    made = (
        {key: value for key, value in item.items() if key != "source"} for item in items
    )  # the set itself is the source
    return [
        {**item, "mask": item.get("mask", item["id"]), "copy": item.get("copy", 0), "index": index}
        for index, item in enumerate(made)
    ]


def source_description(folder: str | PathLike[str]) -> dict[str, Any]:
    """What the manifest of a synthetic set says of all its images: generator, solver, seed; of other folders their name."""
    manifest = Path(folder) / "manifest.json"
    if not manifest.is_file():
        return {"name": Path(folder).resolve().name}
    content: dict[str, Any] = json.loads(manifest.read_text(encoding="utf-8"))
    return {key: value for key, value in content.items() if key != "images"}


def source_digest(folder: str | PathLike[str]) -> str:
    """SHA-256 of the manifest of a synthetic set, or of the ``dataset.json`` of another prepared folder."""
    manifest = Path(folder) / "manifest.json"
    path = manifest if manifest.is_file() else Path(folder) / "dataset.json"
    return hashlib.sha256(path.read_bytes()).hexdigest()
