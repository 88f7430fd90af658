"""Frames of one section of a prepared folder on a square grid, checked, for measuring.

Test frames lie on their native grid and synthetic ones on the training grid; statistics of texture are comparable on one
grid only, so frames are resampled as the preparation does it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from monai_echosynth.data.builtin_labels import OUTSIDE
from monai_echosynth.data.datalist import load_datalist, read_dataset_json
from monai_echosynth.data.label_table import LabelTable
from monai_echosynth.data.resample import resample_image, resample_label
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.metrics.domain_gap import FEWEST_FRAMES
from monai_echosynth.metrics.domain_statistics import AnnotatedFrame
from monai_echosynth.workflows.report.frame_io import read_frame

__all__ = [
    "FEWEST_PIXELS",
    "SectionFrames",
    "grid_size",
    "normalized",
    "patient_of",
    "read_on_grid",
    "read_section",
    "shows",
]

FEWEST_PIXELS = 64
"""Pixels of a sector that can be measured."""


class SectionFrames(NamedTuple):
    """Frames of a section.

    Attributes:
        frames: those whose gray levels differ inside the sector.
        items: their entries in the datalist.
        patients: patient of each, or what stands for one.
        notes: what was left out, and why.
    """

    frames: list[AnnotatedFrame]
    items: list[dict[str, Any]]
    patients: tuple[str, ...]
    notes: tuple[str, ...]


def grid_size(folder: str | Path) -> int:
    """Edge of the prepared frames of a folder in pixels.

    Raises:
        EchoSynthError: the folder is not prepared, or does not say.
    """
    found = read_dataset_json(folder).get("spatial_size")
    if not isinstance(found, list) or len(found) != 2 or not all(type(n) is int and n >= 16 for n in found):
        raise EchoSynthError(
            f"dataset.json must name a 'spatial_size' of two numbers from 16, got {found} in {folder}: prepare it again"
        )
    return min(found)


def read_section(
    folder: str | Path, section: str, table: LabelTable, size: int, limit: int, seed: int = 0
) -> SectionFrames:
    """Reads a section, or a random part of it.

    Args:
        folder: prepared folder or synthetic set.
        section: section of ``dataset.json``.
        table: label table of the folder.
        size: edge of the grid in pixels.
        limit: frames at most; a larger section is drawn from.
        seed: of the draw.

    Raises:
        EchoSynthError: the section is missing, a frame has no label map, no pixel size or values that are no numbers, or fewer
            than four frames can be measured.
    """
    items = load_datalist(folder, section)
    chosen = sorted(np.random.default_rng(seed).permutation(len(items))[:limit])
    frames, kept = [], []
    for item in (items[index] for index in chosen):
        frame = _read(item, table, size)
        if shows(frame):
            frames.append(frame)
            kept.append(item)
    place = f"section '{section}' of {folder}"
    if len(frames) < FEWEST_FRAMES:
        raise EchoSynthError(
            f"at least {FEWEST_FRAMES} frames with an image inside the sector are needed, got {len(frames)} of {len(items)} in "
            f"{place}: add frames, or look at them"
        )
    blank = len(chosen) - len(frames)
    notes = (f"{blank} of {len(chosen)} frames are uniform inside the sector and left out, {place}",) if blank else ()
    return SectionFrames(frames, kept, tuple(patient_of(item) for item in kept), notes)


def normalized(frames: Sequence[AnnotatedFrame]) -> NDArray[np.float32]:
    """Frames (n, X, Y) with zero mean and unit variance inside the sector, 0 outside."""

    def scaled(frame: AnnotatedFrame) -> NDArray[np.float32]:
        inside = frame.image[frame.sector]
        return np.where(frame.sector, (frame.image - inside.mean()) / inside.std(), 0.0).astype(np.float32)

    return np.stack([scaled(frame) for frame in frames])


def read_on_grid(item: Mapping[str, Any], table: LabelTable, size: int) -> AnnotatedFrame:
    """Reads an entry of a datalist onto a grid of ``size`` x ``size``, gray levels rounded and 0 outside the sector.

    Raises:
        EchoSynthError: image or label map is missing, not readable, not finite or not of the table.
    """
    name = item.get("image")
    if name is None or "label" not in item:
        raise EchoSynthError(f"each frame needs its image and its label map, got {dict(item)}: label the frames first")
    frame = read_frame(item)
    if not np.isfinite(frame.image).all():
        raise EchoSynthError(f"gray levels must be numbers, got NaN or infinity in {name}: write the frame again")
    table.check(frame.label, item["label"])
    label = resample_label(frame.label, (size, size))
    sector = label != table.id_of(OUTSIDE)
    image = np.where(sector, np.rint(255.0 * resample_image(frame.image, (size, size))) / 255.0, 0.0)
    spacing = tuple(step * n / size for step, n in zip(frame.spacing, frame.image.shape, strict=True))
    return AnnotatedFrame(image.astype(np.float32), label, sector, (spacing[0], spacing[1]))


def shows(frame: AnnotatedFrame) -> bool:
    """Whether the frame has a sector of some size in which gray levels differ."""
    inside = frame.image[frame.sector]
    return bool(inside.size >= FEWEST_PIXELS and np.ptp(inside) > 0)


def patient_of(item: Mapping[str, Any]) -> str:
    """What frames have in common: the patient, else the mask of a synthetic frame, else nothing."""
    return str(item.get("patient") or item.get("mask") or item.get("id") or item["image"])


def _read(item: Mapping[str, Any], table: LabelTable, size: int) -> AnnotatedFrame:
    if Path(item.get("image", "")).suffix.lower() == ".png":
        raise EchoSynthError(
            f"frames are measured in mm and need a pixel size, got {item['image']}: write them as NIfTI"
        )
    return read_on_grid(item, table, size)
