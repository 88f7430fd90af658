"""Label tables are data: which integer means which structure, which channel it takes and how it is drawn.

A table maps every integer of a label map to one row ``(id, name, channel, color)``. Channels number the one-hot maps that
condition the generator (``seg``), so they must be 0, 1, ..., K - 1 without gaps. Other anatomies (a transesophageal table with
four chambers, say) are added as JSON files or dictionaries of the same shape and checked when they are loaded.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monai_echosynth.errors import EchoSynthError

__all__ = ["LabelEntry", "LabelTable"]


@dataclass(frozen=True)
class LabelEntry:
    """One row of a table.

    Attributes:
        id: integer in the label map, 0..255.
        name: short name in snake case, unique in the table.
        channel: index of the one-hot channel, 0..K-1, unique in the table.
        color: red, green and blue, 0..255 each, for pictures.
    """

    id: int
    name: str
    channel: int
    color: tuple[int, int, int]


@dataclass(frozen=True)
class LabelTable:
    """A validated set of labels.

    Args:
        name: what the table describes; named in error messages.
        entries: the rows; stored in channel order.

    Raises:
        EchoSynthError: a row is repeated, out of range, or the channels have gaps.
    """

    name: str
    entries: tuple[LabelEntry, ...]

    def __post_init__(self) -> None:
        if not self.entries:
            raise EchoSynthError(f"label table '{self.name}' needs at least one label, got none: add entries")
        for key in ("id", "name", "channel"):
            values = [getattr(entry, key) for entry in self.entries]
            repeated = sorted({value for value in values if values.count(value) > 1}, key=str)
            if repeated:
                raise EchoSynthError(f"label table '{self.name}' needs unique {key}s, got {repeated} twice: rename one")
        for entry in self.entries:
            _check_entry(self.name, entry)
        channels = sorted(entry.channel for entry in self.entries)
        if channels != list(range(len(channels))):
            raise EchoSynthError(
                f"label table '{self.name}' needs channels 0..{len(channels) - 1}, got {channels}: number them without gaps"
            )
        object.__setattr__(self, "entries", tuple(sorted(self.entries, key=lambda entry: entry.channel)))

    @classmethod
    def from_dict(cls, table: Mapping[str, Any]) -> LabelTable:
        """Table from ``{"name": str, "labels": [{"id", "name", "channel", "color"}, ...]}``."""
        name = str(table.get("name", "unnamed"))
        rows = table.get("labels")
        if not isinstance(rows, Sequence) or isinstance(rows, str):
            raise EchoSynthError(
                f"label table '{name}' needs a list under 'labels', got {rows!r}: see LabelTable.from_dict"
            )
        return cls(name, tuple(_entry(name, row) for row in rows))

    @classmethod
    def from_file(cls, path: str | PathLike[str]) -> LabelTable:
        """Table from a JSON file with the keys of :meth:`from_dict`."""
        try:
            table = json.loads(Path(path).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise EchoSynthError(f"label table must be a readable JSON file, got {path} ({error}): check it") from error
        if not isinstance(table, Mapping):
            raise EchoSynthError(
                f"label table {path} must hold a JSON object, got {type(table).__name__}: see the manual"
            )
        return cls.from_dict({"name": Path(path).stem, **table})

    def to_dict(self) -> dict[str, Any]:
        """Inverse of :meth:`from_dict`."""
        rows = [{"id": e.id, "name": e.name, "channel": e.channel, "color": list(e.color)} for e in self.entries]
        return {"name": self.name, "labels": rows}

    @property
    def num_channels(self) -> int:
        """Number of labels K, which is also the number of one-hot channels."""
        return len(self.entries)

    @property
    def names(self) -> dict[str, str]:
        """Names by id as text, as ``dataset.json`` stores them."""
        return {str(entry.id): entry.name for entry in sorted(self.entries, key=lambda entry: entry.id)}

    @property
    def colors(self) -> NDArray[np.uint8]:
        """Look-up table (256, 3) from id to color; unknown ids are black."""
        table = np.zeros((256, 3), np.uint8)
        for entry in self.entries:
            table[entry.id] = entry.color
        return table

    def id_of(self, name: str) -> int:
        """Integer of the label called ``name``."""
        for entry in self.entries:
            if entry.name == name:
                return entry.id
        known = ", ".join(entry.name for entry in self.entries)
        raise EchoSynthError(f"label table '{self.name}' has no label '{name}': choose one of {known}")

    @cached_property
    def channel_of_id(self) -> NDArray[np.int64]:
        """Look-up table (256,) from id to channel; -1 where the id is unknown."""
        table = np.full(256, -1, np.int64)
        for entry in self.entries:
            table[entry.id] = entry.channel
        return table

    def unknown_ids(self, label: NDArray[Any]) -> list[float]:
        """Values of ``label`` that no row explains, sorted; fractions and values outside 0..255 count as unknown."""
        values = np.unique(label)
        known = {float(entry.id) for entry in self.entries}
        return [float(value) for value in values if float(value) not in known]

    def check(self, label: NDArray[Any], source: object) -> None:
        """Raises EchoSynthError naming ``source`` when ``label`` holds an id that is not in the table."""
        unknown = self.unknown_ids(label)
        if unknown:
            ids = ", ".join(f"{value:g}" for value in unknown[:5]) + (" ..." if len(unknown) > 5 else "")
            known = ", ".join(f"{key} {name}" for key, name in self.names.items())
            raise EchoSynthError(
                f"label ids must be in the table '{self.name}' ({known}), got {ids} in {source}: correct the file or the table"
            )


def _entry(table: str, row: object) -> LabelEntry:
    if not isinstance(row, Mapping) or not {"id", "name", "channel", "color"} <= set(row):
        raise EchoSynthError(
            f"label table '{table}' needs id, name, channel and color in each row, got {row!r}: complete it"
        )
    color = row["color"]
    if isinstance(color, str) or not isinstance(color, Sequence) or len(color) != 3:
        raise EchoSynthError(f"label table '{table}' needs colors of three numbers, got {color!r}: write [r, g, b]")
    return LabelEntry(row["id"], row["name"], row["channel"], (color[0], color[1], color[2]))


def _check_entry(table: str, entry: LabelEntry) -> None:
    numbers = (entry.id, entry.channel, *entry.color)
    if not all(type(number) is int and 0 <= number <= 255 for number in numbers):
        raise EchoSynthError(f"label table '{table}' needs whole numbers in 0..255, got {entry}: correct that row")
    if not isinstance(entry.name, str) or not entry.name.isidentifier():
        raise EchoSynthError(f"label table '{table}' needs names like 'lv_endo', got {entry.name!r}: rename that row")
