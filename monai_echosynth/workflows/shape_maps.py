"""Label maps of prepared folders for a shape model, and the label table that explains them."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path

from monai_echosynth.data.builtin_labels import SEMANTIC_LABELS, TEE_LABELS
from monai_echosynth.data.datalist import load_datalist, read_dataset_json
from monai_echosynth.data.folder_labels import folder_labels
from monai_echosynth.data.label_table import LabelTable
from monai_echosynth.data.read_frame import read_pixels
from monai_echosynth.data.shapes import ShapeMap
from monai_echosynth.errors import EchoSynthError

__all__ = ["prepared_table", "read_shape_maps"]

Folder = str | PathLike[str]


def prepared_table(folders: Sequence[Folder], table: LabelTable | Folder | None = None) -> LabelTable:
    """Label table of prepared folders: the one given, else the one that ``dataset.json`` holds or names the labels of.

    Raises:
        EchoSynthError: a folder has other ids or names than the table, or no table and names that no built-in one has.
    """
    given = table if isinstance(table, LabelTable | None) else LabelTable.from_file(table)
    for folder in folders:
        names = {str(key): str(name) for key, name in dict(read_dataset_json(folder).get("labels", {})).items()}
        if given is None:
            known = (folder_labels(folder).semantic, SEMANTIC_LABELS, TEE_LABELS)
            given = next((table for table in known if table.names == names), None)
        if given is None or given.names != names:
            shown = ", ".join(f"{key} {name}" for key, name in names.items()) or "none"
            wanted = f"those of the table '{given.name}'" if given else "those of a built-in table"
            raise EchoSynthError(
                f"labels must be {wanted}, got {shown} in {folder}: give the label table of this folder"
            )
    if given is None:
        raise EchoSynthError("a shape model needs a prepared folder, got none: name at least one")
    return given


def read_shape_maps(folders: Sequence[Folder], section: str) -> list[ShapeMap]:
    """Label maps of one section of prepared folders, with their pixel sizes and patients."""
    maps = []
    for item in load_datalist(list(folders), section):
        pixels = read_pixels(Path(item["label"]))
        maps.append(
            ShapeMap(pixels.array, pixels.spacing, str(item["label"]), str(item.get("patient") or item["label"]))
        )
    return maps
