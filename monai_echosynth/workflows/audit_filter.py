"""What an audit leaves behind: its result in the set's manifest, and the set without the frames that were flagged."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from monai_echosynth.data.atomic import atomic_path, write_json
from monai_echosynth.data.datalist import read_dataset_json
from monai_echosynth.errors import EchoSynthError

__all__ = ["record_audit", "write_filtered"]

_MANIFEST = "manifest.json"


def record_audit(folder: str | Path, audit: Mapping[str, Any]) -> None:
    """Writes ``audit`` into the manifest of a set; a folder without one, such as prepared data, is left alone."""
    path = Path(folder) / _MANIFEST
    if path.is_file():
        write_json(path, {**json.loads(path.read_text(encoding="utf-8")), "audit": dict(audit)})


def write_filtered(
    folder: str | Path, out: str | Path, dropped: Sequence[Mapping[str, Any]], audit: Mapping[str, Any]
) -> dict[str, Any]:
    """Copies a set without some of its frames; ``dataset.json`` and the manifest list what was dropped, and why.

    Args:
        folder: the set.
        out: new or empty folder.
        dropped: frames that are left out, each with ``id``.
        audit: for the manifest.

    Returns:
        ``kept`` and ``dropped``, numbers of frames.

    Raises:
        EchoSynthError: the output folder holds something, or no frame would be left.
    """
    source, target, ids = Path(folder), Path(out), {row["id"] for row in dropped}
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise EchoSynthError(f"the filtered set needs a new or empty folder, got {out}: choose another one")
    content = read_dataset_json(source)
    kept = [item for item in content["training"] if str(item.get("id", Path(item["image"]).name)) not in ids]
    if not kept:
        raise EchoSynthError(
            f"a filtered set must keep a frame, got {len(ids)} flagged of {len(ids)} in {folder}: do not use it"
        )
    for item in kept:
        for key in ("image", "label"):
            with atomic_path(target / item[key]) as path:
                shutil.copyfile(source / item[key], path)
    note = f"{len(ids)} frames that resemble training frames were dropped"
    manifest = source / _MANIFEST
    if manifest.is_file():
        found = json.loads(manifest.read_text(encoding="utf-8"))
        images = [record for record in found.get("images", []) if str(record.get("id")) not in ids]
        changed = {"count": len(images), "audit": dict(audit), "dropped": list(dropped), "images": images}
        write_json(target / _MANIFEST, {**found, **changed})
    listed = {"training": kept, "dropped": list(dropped), "notes": [*content.get("notes", []), note]}
    write_json(target / "dataset.json", {**content, "name": target.name, **listed})
    return {"kept": len(kept), "dropped": len(ids)}
