"""Which structures the label maps of a data folder show: CAMUS by default, or what its ``labels.json`` says.

A user's folder brings its own label table as ``labels.json`` at its root, with the keys of ``LabelTable.from_dict``::

    {"name": "tee", "labels": [{"id": 0, "name": "background", "channel": 0, "color": [0, 0, 0]},
                               {"id": 1, "name": "la", "channel": 1, "color": [70, 130, 220]}, ...]}

Annotators draw structures and leave the rest; prepared maps tell the rest apart into ``outside`` the ultrasound sector and
``sector``, inside it. A table without these two labels is completed to one with them, as CAMUS is: ``outside`` becomes id 0, the
structures follow in the order of their channels, ``sector`` is last, and channels equal ids. A table with a ``sector`` label says
that the maps know their sector already.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from os import PathLike
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from monai_echosynth.data.builtin_labels import CAMUS_LABELS, OUTSIDE, SECTOR, SEMANTIC_LABELS
from monai_echosynth.data.label_table import LabelEntry, LabelTable
from monai_echosynth.data.semantic_map import BACKGROUND, is_semantic
from monai_echosynth.errors import EchoSynthError

__all__ = [
    "CAMUS_FOLDER",
    "LABEL_FILE",
    "FolderLabels",
    "check_table",
    "folder_labels",
    "labels_beside",
    "rest_id",
    "semantic_table",
    "structures",
]

LABEL_FILE = "labels.json"
"""Name of the label table file at the root of a data folder."""

_REST = (BACKGROUND, OUTSIDE, SECTOR)


@dataclass(frozen=True)
class FolderLabels:
    """Label tables of a folder.

    Attributes:
        raw: ids of the label maps in the folder.
        semantic: ids of prepared maps; the structures of ``raw`` by name, ``outside`` (id 0) and ``sector``.
        mixed: maps that are semantic already may stand among raw ones, as in folders without a table of their own.
        bare: frames may show no structure at all.
    """

    raw: LabelTable
    semantic: LabelTable
    mixed: bool = False
    bare: bool = False

    def table_of(self, label: NDArray[Any]) -> LabelTable:
        """Table that a stored map (X, Y) is written in."""
        return self.semantic if self.mixed and is_semantic(label, self.semantic) else self.raw


CAMUS_FOLDER = FolderLabels(CAMUS_LABELS, SEMANTIC_LABELS, mixed=True)
"""What a folder without a label table holds."""


def structures(table: LabelTable) -> tuple[LabelEntry, ...]:
    """Rows of ``table`` that are anatomy, in channel order: all but background, ``outside`` and ``sector``."""
    return tuple(entry for entry in table.entries if entry.name not in _REST)


def rest_id(table: LabelTable) -> int:
    """Id of ``outside`` or, in raw tables, of the background."""
    return next(entry.id for entry in table.entries if entry.name in (OUTSIDE, BACKGROUND))


def semantic_table(table: LabelTable) -> LabelTable:
    """Table of prepared maps with the structures of ``table``: ``outside`` 0, structures 1, 2, ..., ``sector`` last.

    Raises:
        EchoSynthError: the table has no structure, or two rows for the background.
    """
    rows = {entry.name: entry for entry in table.entries}
    if {BACKGROUND, OUTSIDE} <= rows.keys():
        raise EchoSynthError(
            f"label table '{table.name}' needs one row for what is no structure, got '{BACKGROUND}' and '{OUTSIDE}': remove one"
        )
    chambers = structures(table)
    if not chambers:
        raise EchoSynthError(f"label table '{table.name}' needs a structure, got {', '.join(rows)}: add one")
    outside, sector = rows.get(OUTSIDE) or rows.get(BACKGROUND), rows.get(SECTOR)
    names = [OUTSIDE, *(entry.name for entry in chambers), SECTOR]
    colors = [
        outside.color if outside else (0, 0, 0),
        *(entry.color for entry in chambers),
        sector.color if sector else (90, 90, 90),
    ]
    numbered = enumerate(zip(names, colors, strict=True))
    return LabelTable(table.name, tuple(LabelEntry(number, name, number, color) for number, (name, color) in numbered))


def folder_labels(root: str | PathLike[str]) -> FolderLabels:
    """Label tables of a data folder: of its ``labels.json``, else of a prepared ``dataset.json``, else those of CAMUS.

    Raises:
        EchoSynthError: the file is not readable, misses a key, or its table is not sound; names the file.
    """
    folder = Path(root)
    if (folder / "labels" / LABEL_FILE).is_file() and not (folder / LABEL_FILE).is_file():
        raise EchoSynthError(
            f"the label table belongs at the root of the data, got {folder / 'labels' / LABEL_FILE}: move it one folder up"
        )
    for path in (folder / LABEL_FILE, folder / "dataset.json"):
        if path.is_file():
            return _read(path, path.stat().st_mtime_ns)
    return CAMUS_FOLDER


def labels_beside(label: Path) -> FolderLabels:
    """Label tables of the folder that a label map lies in: ``<root>/<map>``, ``<root>/labels/<map>`` or a test section's."""
    folder = label.parent
    if folder.name == "labels":
        folder = folder.parent
        folder = folder.parent if folder.name == "original" else folder
    return folder_labels(folder)


def check_table(root: str | PathLike[str], table: LabelTable) -> str | PathLike[str]:
    """Returns ``root`` if its prepared or semantic maps have the ids and names of ``table``.

    Raises:
        EchoSynthError: they have others, or the folder's own table cannot be read.
    """
    found = folder_labels(root).semantic
    if found.names != table.names:
        theirs, wanted = (", ".join(f"{key} {name}" for key, name in t.names.items()) for t in (found, table))
        raise EchoSynthError(
            f"label maps must have the labels of the table '{table.name}' ({wanted}), got {theirs} in {root}: "
            f"choose another folder, or put its {LABEL_FILE} at its root"
        )
    return root


@lru_cache(maxsize=64)
def _read(path: Path, changed: int) -> FolderLabels:
    """Tables of a file, remembered until it changes: masks are read one by one."""
    try:
        if path.name == LABEL_FILE:
            table: LabelTable | None = LabelTable.from_file(path)
        else:
            table = _prepared_table(path)
        if table is None:
            return CAMUS_FOLDER
        return FolderLabels(_with_background(table), semantic_table(table))
    except EchoSynthError as error:
        if str(path) in str(error):
            raise
        raise EchoSynthError(f"{path}: {error}") from error


def _prepared_table(path: Path) -> LabelTable | None:
    """Table that ``dataset.json`` names; None where it is another program's or holds CAMUS structures."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    table = content.get("label_table") if isinstance(content, dict) else None
    return None if table is None else LabelTable.from_dict(table)


def _with_background(table: LabelTable) -> LabelTable:
    """A table that leaves the background out gets id 0 for it."""
    if any(entry.name in (OUTSIDE, BACKGROUND) for entry in table.entries):
        return table
    taken = next((entry.name for entry in table.entries if entry.id == 0), None)
    if taken is not None:
        raise EchoSynthError(
            f"label table '{table.name}' needs a row '{BACKGROUND}' (or id 0 free for it), got id 0 for '{taken}': add it"
        )
    return LabelTable(table.name, (*table.entries, LabelEntry(0, BACKGROUND, table.num_channels, (0, 0, 0))))
