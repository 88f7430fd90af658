"""Tiny prepared frames of two views, and a budget small enough for tests; the second view is the first one upside down."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from monai_echosynth.data.atomic import write_json
from monai_echosynth.workflows.view_classification import ViewSettings
from tests.helpers.damage import rewrite
from tests.helpers.tiny_prepared import write_tiny_prepared

__all__ = ["TINY_VIEWS", "relabel", "write_tiny_views"]

TINY_VIEWS = ViewSettings(spatial_size=32, size="quick", iterations=2, batch_size=4, epoch_iterations=1, val_interval=1)


def write_tiny_views(folder: Path, **arguments: Any) -> Path:
    """A prepared folder whose ED frames are ``2CH`` and whose ES frames are ``4CH`` and upside down."""
    write_tiny_prepared(folder, **arguments)
    for item in relabel(folder, lambda item: "4CH" if item["phase"] == "ES" else "2CH"):
        if item["view"] == "4CH":
            for key in ("image", "label"):
                rewrite(folder / item[key], lambda array: np.ascontiguousarray(array[:, ::-1]))
    return folder


def relabel(folder: Path, view: Any) -> list[dict[str, Any]]:
    """Gives each frame the view ``view(item)``, none where that is None; returns the items of all sections."""
    content = json.loads((folder / "dataset.json").read_text(encoding="utf-8"))
    items = [item for section in ("training", "validation", "test") for item in content[section]]
    for item in items:
        item["view"] = view(item)
        if item["view"] is None:
            del item["view"]
    write_json(folder / "dataset.json", content)
    return items
