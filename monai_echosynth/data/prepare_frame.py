"""One source frame to its prepared form: gray levels and semantic map, on the square training grid and on the native one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from monai_echosynth.data.builtin_labels import OUTSIDE, SECTOR, SEMANTIC_LABELS
from monai_echosynth.data.duplicates import pixel_hash
from monai_echosynth.data.folder_labels import CAMUS_FOLDER, FolderLabels, rest_id
from monai_echosynth.data.frame import FrameRecord
from monai_echosynth.data.gray_levels import to_uint8
from monai_echosynth.data.read_frame import load_frame
from monai_echosynth.data.resample import resample_image, resample_label
from monai_echosynth.data.sector_mask import ScanGeometry, sector_mask
from monai_echosynth.data.semantic_map import annotated_map
from monai_echosynth.data.write_nifti import write_nifti
from monai_echosynth.errors import EchoSynthError

__all__ = ["PreparedFrame", "frame_paths", "prepare_frame", "write_prepared"]


@dataclass(frozen=True)
class PreparedFrame:
    """A checked frame on its native grid.

    Attributes:
        image: (X, Y) uint8 gray levels, 0 outside the sector.
        label: (X, Y) uint8 semantic map.
        spacing: pixel size in mm along x and y.
        spacing_known: False when the source carries no spacing.
        pixel_hash: hash of the image as stored, to find duplicates.
        clipped: number of annotated pixels outside the sector, which were clipped.
    """

    image: NDArray[np.uint8]
    label: NDArray[np.uint8]
    spacing: tuple[float, float]
    spacing_known: bool
    pixel_hash: str
    clipped: int


def prepare_frame(
    record: FrameRecord, geometry: ScanGeometry = ScanGeometry.CONVEX, labels: FolderLabels = CAMUS_FOLDER
) -> PreparedFrame:
    """Reads and checks one frame.

    Args:
        record: files of the frame.
        geometry: shape of the field of view.
        labels: tables of the annotation and of the result.

    Raises:
        EchoSynthError: the label is missing or has unknown ids, the shapes differ, or a file is bad; names the file.
    """
    if record.label_path is None:
        raise EchoSynthError(
            f"each image needs a label, got none for {record.image_path}: add the label or remove the image"
        )
    frame = load_frame(record)
    assert frame.label is not None  # load_frame reads it when the record names it
    table = labels.table_of(frame.label)
    annotated = frame.label != rest_id(table)
    sector = annotated if SECTOR in table.names.values() else sector_mask(frame.image, geometry)
    label = annotated_map(frame.label, sector, record.label_path, table, labels.semantic, labels.bare)
    return PreparedFrame(
        image=np.where(sector, to_uint8(frame.image), np.uint8(0)),
        label=label,
        spacing=frame.spacing,
        spacing_known=frame.spacing_known,
        pixel_hash=pixel_hash(frame.image),
        clipped=int((annotated & ~sector).sum()),
    )


def frame_paths(record_id: str, native: bool) -> dict[str, str]:
    """Relative paths of a prepared image and label, on the training grid or on the native one."""
    folder = "original/" if native else ""
    return {key: f"{folder}{key}s/{record_id}.nii.gz" for key in ("image", "label")}


def write_prepared(frame: PreparedFrame, record_id: str, folder: Path, size: int, native: bool) -> None:
    """Writes image and label on the training grid (size, size) and, for test frames, on the native grid too.

    The spacing written is the pixel size after resizing, so that lengths in mm stay true.
    """
    label = resample_label(frame.label, (size, size))
    gray = np.rint(resample_image(frame.image, (size, size))).astype(np.uint8)
    gray[label == SEMANTIC_LABELS.id_of(OUTSIDE)] = 0
    spacing = (frame.spacing[0] * frame.image.shape[0] / size, frame.spacing[1] * frame.image.shape[1] / size)
    _write_pair(folder, frame_paths(record_id, native=False), gray, label, spacing)
    if native:
        _write_pair(folder, frame_paths(record_id, native=True), frame.image, frame.label, frame.spacing)


def _write_pair(
    folder: Path,
    paths: dict[str, str],
    image: NDArray[np.uint8],
    label: NDArray[np.uint8],
    spacing: tuple[float, float],
) -> None:
    write_nifti(folder / paths["image"], image, spacing)
    write_nifti(folder / paths["label"], label, spacing)
