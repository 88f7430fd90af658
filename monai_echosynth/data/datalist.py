"""Reads sections of prepared data sets (``dataset.json``) with absolute paths."""

from __future__ import annotations

import json
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from monai_echosynth.data.builtin_labels import SEMANTIC_LABELS
from monai_echosynth.data.label_table import LabelTable
from monai_echosynth.errors import EchoSynthError

__all__ = ["label_keys", "load_datalist", "read_dataset_json", "read_label_table"]

FORMAT = 1
_PATHS = ("image", "label")

Folder = str | PathLike[str]


def load_datalist(dirs: Folder | Sequence[Folder], section: str) -> list[dict[str, Any]]:
    """Joins one section of one or several prepared folders.

    Args:
        dirs: prepared folders.
        section: ``training``, ``validation`` or ``test``.

    Returns:
        The items of ``dataset.json`` in order, ``image`` and ``label`` as absolute paths.

    Raises:
        EchoSynthError: a folder is not prepared, a file is missing, or the joined section is empty.
    """
    folders = [dirs] if isinstance(dirs, str | PathLike) else list(dirs)
    items = [item for folder in folders for item in _section(Path(folder), section)]
    if not items:
        names = ", ".join(str(folder) for folder in folders) or "no folder"
        raise EchoSynthError(
            f"section '{section}' must hold at least one frame, got none in {names}: prepare it with more patients"
        )
    return items


def read_dataset_json(folder: Folder) -> dict[str, Any]:
    """Content of ``dataset.json``.

    Raises:
        EchoSynthError: the file is missing, damaged or of another format.
    """
    path = Path(folder) / "dataset.json"
    if not path.is_file():
        raise EchoSynthError(
            f"a prepared folder with dataset.json was expected, got {folder}: run 'echosynth prepare' first"
        )
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise EchoSynthError(f"dataset.json must be whole, got {path} ({error}): prepare the folder again") from error
    if not isinstance(content, dict) or content.get("format", FORMAT) != FORMAT:
        raise EchoSynthError(
            f"dataset.json must have format {FORMAT}, got another one in {path}: prepare the folder again"
        )
    return content


def read_label_table(dirs: Folder | Sequence[Folder]) -> LabelTable:
    """Label table of one or several prepared folders: ids, names, channels and colors of their maps.

    Args:
        dirs: prepared folders; all must hold the same ids, names and channels.

    Returns:
        The table under ``label_table`` in ``dataset.json``; :data:`SEMANTIC_LABELS` where there is none.

    Raises:
        EchoSynthError: a folder is not prepared, its table is not sound, or two folders hold different tables.
    """
    folders = [dirs] if isinstance(dirs, str | PathLike) else list(dirs)
    tables = [_table(Path(folder)) for folder in folders] or [SEMANTIC_LABELS]
    for folder, table in zip(folders, tables, strict=False):
        if _meaning(table) != _meaning(tables[0]):
            raise EchoSynthError(
                f"prepared folders used together must share one label table, got {', '.join(tables[0].names.values())} in"
                f" {folders[0]} and {', '.join(table.names.values())} in {folder}: prepare them with the same labels"
            )
    return tables[0]


def label_keys(table: LabelTable) -> dict[str, Any]:
    """What ``dataset.json`` says about its labels: names by id, and the whole table where it is not the default one."""
    keys: dict[str, Any] = {"labels": table.names}
    return keys if table == SEMANTIC_LABELS else {**keys, "label_table": table.to_dict()}


def _table(folder: Path) -> LabelTable:
    content = read_dataset_json(folder)
    if "label_table" not in content:
        return SEMANTIC_LABELS
    path = folder / "dataset.json"
    if not isinstance(content["label_table"], dict):
        raise EchoSynthError(
            f"'label_table' must be a JSON object, got another value in {path}: prepare the folder again"
        )
    try:
        return LabelTable.from_dict(content["label_table"])
    except EchoSynthError as error:
        raise EchoSynthError(f"{path}: {error}") from error


def _meaning(table: LabelTable) -> list[tuple[int, str, int]]:
    return [(entry.id, entry.name, entry.channel) for entry in table.entries]


def _section(folder: Path, section: str) -> list[dict[str, Any]]:
    content = read_dataset_json(folder)
    if not isinstance(content.get(section), list):
        keys = ", ".join(key for key, value in content.items() if isinstance(value, list))
        raise EchoSynthError(
            f"section '{section}' must be in {folder / 'dataset.json'}, got {keys}: choose one of these"
        )
    return [_absolute(folder.resolve(), item) for item in content[section]]


def _absolute(folder: Path, item: dict[str, Any]) -> dict[str, Any]:
    paths = {key: folder / item[key] for key in _PATHS if key in item}
    for path in paths.values():
        if not path.is_file():
            raise EchoSynthError(f"files of dataset.json must exist, got no {path}: prepare the folder again")
    return {**item, **{key: str(path) for key, path in paths.items()}}
