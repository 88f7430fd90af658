"""Joins the annotation and the sector of a frame into one semantic map (SPEC section 1).

Ids: 0 outside the sector, then the structures in the order of their channels, then "inside the sector and no structure". Labels
are clipped to the sector: annotators close contours across its edge, where no echo exists.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from monai_echosynth.data.builtin_labels import CAMUS_LABELS, OUTSIDE, SECTOR, SEMANTIC_LABELS
from monai_echosynth.data.label_table import LabelTable
from monai_echosynth.errors import EchoSynthError

__all__ = ["BACKGROUND", "annotated_map", "is_semantic", "semantic_map"]

BACKGROUND = "background"
"""Name of the label where no structure is annotated in raw tables."""


def semantic_map(
    label: NDArray[Any],
    sector: NDArray[np.bool_],
    source: object,
    raw: LabelTable = CAMUS_LABELS,
    semantic: LabelTable = SEMANTIC_LABELS,
) -> NDArray[np.uint8]:
    """Semantic map of one frame.

    Args:
        label: (X, Y) ids of the table ``raw``; 0 is the background. A map that is semantic already is clipped only.
        sector: (X, Y), True inside the ultrasound cone.
        source: file or key named in errors.
        raw: table of the annotation.
        semantic: table of the result; holds the structures of ``raw`` by name, ``outside`` and ``sector``.

    Returns:
        (X, Y) ids of the table ``semantic``.

    Raises:
        EchoSynthError: an id is unknown, the shapes differ, or no annotated pixel lies in the sector.
    """
    return annotated_map(label, sector, source, semantic if is_semantic(label, semantic) else raw, semantic)


def annotated_map(
    label: NDArray[Any],
    sector: NDArray[np.bool_],
    source: object,
    table: LabelTable,
    semantic: LabelTable,
    bare: bool = False,
) -> NDArray[np.uint8]:
    """Semantic map of a frame whose annotation is known to be written in ``table``.

    Arguments, result and errors are those of :func:`semantic_map`; with ``bare`` a map may mark no structure.
    """
    if label.shape != sector.shape:
        raise EchoSynthError(
            f"label and sector must have one shape, got {label.shape} and {sector.shape} in {source}: resample"
        )
    table.check(label, source)
    lookup = np.full(256, semantic.id_of(SECTOR), np.uint8)
    for entry in table.entries:
        if entry.name not in (BACKGROUND, OUTSIDE, SECTOR):
            lookup[entry.id] = semantic.id_of(entry.name)
    result = np.where(sector, lookup[label.astype(np.uint8)], np.uint8(semantic.id_of(OUTSIDE)))
    if not bare and not np.isin(result, (semantic.id_of(OUTSIDE), semantic.id_of(SECTOR)), invert=True).any():
        raise EchoSynthError(
            f"a label must mark a structure inside the sector, got none in {source}: annotate or remove it"
        )
    return result


def is_semantic(label: NDArray[Any], semantic: LabelTable = SEMANTIC_LABELS) -> bool:
    """True when ``label`` holds the id that only semantic maps have: inside the sector and no structure."""
    return bool((label == semantic.id_of(SECTOR)).any())
