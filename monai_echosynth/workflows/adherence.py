"""Mask adherence on the grid of the frames: Dice of what a segmenter of real frames sees in a frame with its label map.

On real frames the same number says how well the segmenter can do at all; synthetic frames that follow their masks come
near it, or pass it where they are easier to segment. :func:`monai_echosynth.workflows.evaluate.mask_adherence` scores on
the native grid, with distances.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from monai_echosynth.alignment.frozen_segmenter import load_frozen_segmenter
from monai_echosynth.data.folder_labels import structures
from monai_echosynth.data.label_table import LabelTable
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.metrics.overlap import confusion
from monai_echosynth.workflows.frame_batches import frame_batches
from monai_echosynth.workflows.gap_frames import patient_of
from monai_echosynth.workflows.mean_interval import mean_with_interval

__all__ = ["adherence"]


def adherence(
    segmenter: str | Path, items: Sequence[Mapping[str, Any]], table: LabelTable, size: int, seed: int = 0
) -> dict[str, Any] | None:
    """Dice by structure, and ``mean`` over them, each with ``value`` and ``ci95`` over patients; None where no map shows any.

    Args:
        segmenter: trained ``echo_segmentation`` bundle of real frames.
        items: entries of a datalist.
        table: their label table.
        size: edge of the grid in pixels.
        seed: of the intervals.

    Raises:
        EchoSynthError: there is no segmenter, or it is one of other structures.
    """
    network, entries = load_frozen_segmenter(segmenter), structures(table)
    scores: list[list[float]] = []
    patients: list[str] = []
    shown = False
    for batch in frame_batches(items, table, size):
        with torch.inference_mode():
            logits = network(batch.image)
        if logits.shape[1] != 1 + len(entries):
            raise EchoSynthError(
                f"mask adherence needs a segmenter of {len(entries)} structures, got {logits.shape[1] - 1} in {segmenter}: "
                "choose one of this label table"
            )
        seen = logits.argmax(dim=1).numpy()
        shown = shown or bool(np.isin(batch.label, [entry.id for entry in entries]).any())
        for found, label in zip(seen, batch.label, strict=True):
            masks = ((found == number, label == entry.id) for number, entry in enumerate(entries, start=1))
            scores.append([confusion(*pair).dice for pair in masks])
        patients += [patient_of(item) for item in batch.items]
    if not shown:
        return None
    values = np.array(scores, dtype=np.float64).reshape(-1, len(entries))
    defined = np.isfinite(values).any(axis=1)
    mean = np.where(defined, np.nansum(values, axis=1) / np.maximum(np.isfinite(values).sum(axis=1), 1), np.nan)
    columns = {entry.name: values[:, i] for i, entry in enumerate(entries)} | {"mean": mean}
    return {name: mean_with_interval(column, patients, seed) for name, column in columns.items()}
