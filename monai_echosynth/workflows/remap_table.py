"""``echosynth remap``: a mapping between label tables, proposed or written by hand, as a table, a rules file and a picture."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from monai_echosynth.data.atomic import write_json
from monai_echosynth.data.builtin_labels import SEMANTIC_LABELS, TEE_LABELS
from monai_echosynth.data.folder_labels import folder_labels, semantic_table
from monai_echosynth.data.frame import Pixels
from monai_echosynth.data.label_table import LabelTable
from monai_echosynth.data.mask_r2 import Remapping
from monai_echosynth.data.mask_r2_proposal import propose_remapping
from monai_echosynth.data.masks import load_masks
from monai_echosynth.data.read_frame import read_pixels
from monai_echosynth.data.semantic_map import BACKGROUND
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.workflows.remap_picture import draw_remapping

__all__ = ["TABLES", "format_remapping", "load_table", "remap"]

TABLES = {"tee": TEE_LABELS, "camus": replace(SEMANTIC_LABELS, name="camus"), "semantic": SEMANTIC_LABELS}
"""Tables known by name; CAMUS as ``echosynth prepare`` writes it, with its sector."""

_CANDIDATES = 32  # maps of a folder among which the picture's is chosen


def remap(
    source: str | Path,
    out: str | Path,
    base: str | Path = "semantic",
    rules: str | Path | None = None,
    labels: str | Path | None = None,
) -> Remapping:
    """Checks a mapping and writes ``rules.json`` and ``remap.png``.

    Args:
        source: JSON file of the label table to map, a data folder that has one, or a name in ``TABLES``.
        out: folder to write.
        base: table of the generator, likewise.
        rules: JSON file of rules; proposed from the names when None.
        labels: label map to show in the picture, or a folder of them, of which one that shows most labels is taken.

    Raises:
        EchoSynthError: a file is bad, the rules break a condition, or the proposal needs help.
    """
    tables = load_table(source), load_table(base)
    remapping = propose_remapping(*tables) if rules is None else Remapping.from_file(rules, *tables)
    shown = None if labels is None else _example(Path(labels))
    if shown is not None:
        remapping.source.check(shown[1].array, shown[0])
    write_json(Path(out) / "rules.json", remapping.to_dict())
    draw_remapping(remapping, Path(out) / "remap.png", None if shown is None else shown[1])
    return remapping


def load_table(name: str | Path) -> LabelTable:
    """Label table of prepared maps: by its name in ``TABLES``, of a data folder, or from a JSON file.

    A table of annotations, which has a background, is completed with the ids that ``echosynth prepare`` gives.
    """
    if str(name) in TABLES:
        return TABLES[str(name)]
    if Path(name).is_dir():
        return folder_labels(name).semantic
    if not Path(name).is_file():
        raise EchoSynthError(
            f"a label table is a JSON file, a data folder or one of {', '.join(TABLES)}, got {name}: check the path"
        )
    table = LabelTable.from_file(name)
    return semantic_table(table) if BACKGROUND in table.names.values() else table


def format_remapping(remapping: Remapping) -> str:
    """The mapping as a table for the terminal, one row per source label."""
    header = ("source label", "id", "operation", "base label", "channel")
    rows = [
        (row.label.name, str(row.label.id), row.rule.operation, row.target.name, str(row.target.channel))
        for row in remapping.rows()
    ]
    widths = [max(len(row[column]) for row in (header, *rows)) for column in range(len(header))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in (header, *rows)]
    return "\n".join(
        [
            f"{remapping.source.name} -> {remapping.base.name}",
            *(line.rstrip() for line in lines),
            f"unused base labels: {', '.join(remapping.unused) or 'none'}",
        ]
    )


def _example(path: Path) -> tuple[Path, Pixels]:
    """File and content of the label map to draw."""
    if not path.is_dir():
        return path, read_pixels(path)
    paths = [Path(item["label"]) for item in load_masks(path)[:_CANDIDATES]]
    found = [(file, read_pixels(file)) for file in paths]
    return max(found, key=lambda pair: len(np.unique(pair[1].array)))
