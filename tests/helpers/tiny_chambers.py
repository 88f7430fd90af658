"""A prepared data set with a label table of its own: the tiny ellipses under other names."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from monai_echosynth.data.atomic import write_json
from tests.helpers.tiny_prepared import write_tiny_prepared

__all__ = ["CHAMBERS", "write_tiny_chambers"]

CHAMBERS = ("outside", "lv", "ra", "la", "sector")


def write_tiny_chambers(folder: Path, **options: Any) -> Path:
    """Writes a prepared folder as :func:`write_tiny_prepared` does, with the labels ``CHAMBERS``."""
    write_tiny_prepared(folder, **options)
    path = folder / "dataset.json"
    rows = [{"id": i, "name": name, "channel": i, "color": [40 * i, 90, 90]} for i, name in enumerate(CHAMBERS)]
    content = json.loads(path.read_text(encoding="utf-8"))
    content["labels"] = {str(i): name for i, name in enumerate(CHAMBERS)}
    write_json(path, {**content, "label_table": {"name": "chambers", "labels": rows}})
    return folder
