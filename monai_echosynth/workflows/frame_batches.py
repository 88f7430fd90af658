"""Frames of a datalist in batches on one grid, read as they are asked for: a set may be larger than memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from monai_echosynth.data.label_table import LabelTable
from monai_echosynth.metrics.domain_statistics import AnnotatedFrame
from monai_echosynth.workflows.gap_frames import read_on_grid, shows

__all__ = ["FrameBatch", "chosen_items", "frame_batches", "to_batch"]

_BATCH = 16


class FrameBatch(NamedTuple):
    """Some frames.

    Attributes:
        image: (B, 1, X, Y) in [0, 1], 0 outside the sector.
        sector: (B, 1, X, Y), 1 inside.
        label: (B, X, Y) ids.
        items: entries of the datalist.
    """

    image: Tensor
    sector: Tensor
    label: NDArray[np.uint8]
    items: list[Mapping[str, Any]]


def frame_batches(
    items: Sequence[Mapping[str, Any]], table: LabelTable, size: int, batch_size: int = _BATCH
) -> Iterator[FrameBatch]:
    """Batches of the frames that show something; those that are uniform inside their sector are passed over.

    Args:
        items: entries of a datalist.
        table: their label table.
        size: edge of the grid in pixels.
        batch_size: frames of a batch at most.

    Raises:
        EchoSynthError: a frame is not readable, not finite or not of the table.
    """
    for start in range(0, len(items), batch_size):
        part = items[start : start + batch_size]
        found = [(frame, item) for item in part if shows(frame := read_on_grid(item, table, size))]
        if found:
            frames, kept = zip(*found, strict=True)
            yield to_batch(frames, kept)


def to_batch(frames: Sequence[AnnotatedFrame], items: Sequence[Mapping[str, Any]]) -> FrameBatch:
    """Frames of one size as a batch."""
    image, sector = (
        torch.from_numpy(np.stack([getattr(frame, key) for frame in frames]))[:, None] for key in ("image", "sector")
    )
    return FrameBatch(image.float(), sector.float(), np.stack([frame.label for frame in frames]), list(items))


def chosen_items(items: Sequence[dict[str, Any]], limit: int, seed: int) -> list[dict[str, Any]]:
    """All items, or ``limit`` of them drawn by chance, in their order."""
    chosen = sorted(np.random.default_rng(seed).permutation(len(items))[:limit])
    return [items[index] for index in chosen]
