"""Which closed curves describe the structures of a label table, and in which order they are painted.

Every structure is one closed curve, except a wall that wraps a cavity: a U-shaped wall is the difference of two filled curves,
so it is described by the outer one (cavity and wall together) with the cavity painted over it. For the CAMUS table the curves
are ``la``, ``lv_epi`` (cavity or wall) and ``lv_endo``; for a table of four chambers they are the chambers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from monai_echosynth.data.builtin_labels import OUTSIDE, SECTOR
from monai_echosynth.data.label_table import LabelTable
from monai_echosynth.errors import EchoSynthError

__all__ = ["WALLS", "Outline", "outlines_of", "structures_of"]

WALLS: Final = {"myo": (("lv_endo", "lv"), "lv_epi")}
"""Structures that wrap another: wall -> (names the cavity may have, name of the filled curve)."""


@dataclass(frozen=True)
class Outline:
    """One closed curve.

    Attributes:
        name: name of the region inside the curve.
        labels: names of the labels inside the curve.
        paint: name of the label that the region gets when it is drawn; curves drawn later paint over it.
    """

    name: str
    labels: tuple[str, ...]
    paint: str

    def mask(self, label: NDArray[Any], table: LabelTable) -> NDArray[np.bool_]:
        """Region of the curve in a label map (X, Y)."""
        return np.isin(label, [table.id_of(name) for name in self.labels])


def structures_of(table: LabelTable) -> tuple[str, ...]:
    """Names of the labels of a semantic table that are structures.

    Raises:
        EchoSynthError: the table is not semantic (it does not tell ``outside`` from ``sector``) or names no structure.
    """
    names = [entry.name for entry in sorted(table.entries, key=lambda entry: entry.id)]
    if not {OUTSIDE, SECTOR} < set(names):
        raise EchoSynthError(
            f"a shape model needs a table with '{OUTSIDE}', '{SECTOR}' and structures, got {', '.join(names)} in"
            f" '{table.name}': prepare the maps first"
        )
    return tuple(name for name in names if name not in (OUTSIDE, SECTOR))


def outlines_of(table: LabelTable) -> tuple[Outline, ...]:
    """Curves of a semantic table in the order in which they are painted: walls and their cavities come last."""
    names = structures_of(table)
    simple: list[Outline] = []
    walls: list[Outline] = []
    cavities: list[Outline] = []
    for wall, (candidates, filled) in WALLS.items():
        cavity = next((name for name in candidates if name in names), None)
        if wall in names and cavity is not None:
            walls.append(Outline(filled, (cavity, wall), wall))
            cavities.append(Outline(cavity, (cavity,), cavity))
    described = {name for outline in walls for name in outline.labels}
    simple = [Outline(name, (name,), name) for name in names if name not in described]
    return (*simple, *walls, *cavities)
