"""File layouts of a labeled frame: NIfTI with semantic maps, PNG pictures, and nnU-Net's raw format."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from monai_echosynth.data.atomic import atomic_path
from monai_echosynth.data.builtin_labels import SECTOR, SEMANTIC_LABELS
from monai_echosynth.data.label_table import LabelTable
from monai_echosynth.data.write_nifti import write_nifti

__all__ = ["FrameFormat", "frame_files", "write_frame"]


class FrameFormat(StrEnum):
    """Layout of the files."""

    NIFTI = "nifti"
    """``images/ID.nii.gz`` and ``labels/ID.nii.gz``, semantic ids, spacing in the affine."""
    PNG = "png"
    """``images/ID.png`` and ``labels/ID.png``, rows run in depth, semantic ids."""
    NNUNET = "nnunet"
    """``imagesTr/ID_0000.nii.gz`` and ``labelsTr/ID.nii.gz``, ids without ``sector``, which becomes background."""


def frame_files(folder: Path, name: str, file_format: FrameFormat) -> tuple[Path, Path]:
    """Paths of image and label of the frame ``name``."""
    if file_format is FrameFormat.NNUNET:
        return folder / "imagesTr" / f"{name}_0000.nii.gz", folder / "labelsTr" / f"{name}.nii.gz"
    suffix = ".png" if file_format is FrameFormat.PNG else ".nii.gz"
    return folder / "images" / f"{name}{suffix}", folder / "labels" / f"{name}{suffix}"


def write_frame(
    folder: Path,
    name: str,
    file_format: FrameFormat,
    image: NDArray[np.uint8],
    label: NDArray[np.uint8],
    spacing: tuple[float, float],
    table: LabelTable = SEMANTIC_LABELS,
) -> None:
    """Write a frame (X, Y) with its semantic map (X, Y) of ``table``, each file atomically, the image last."""
    image_path, label_path = frame_files(folder, name, file_format)
    if file_format is FrameFormat.PNG:
        _write_png(label_path, label)
        _write_png(image_path, image)
        return
    if file_format is FrameFormat.NNUNET:
        label = np.where(label == table.id_of(SECTOR), 0, label).astype(np.uint8)
    write_nifti(label_path, label, spacing)
    write_nifti(image_path, image, spacing)


def _write_png(path: Path, array: NDArray[np.uint8]) -> None:
    with atomic_path(path) as partial:
        Image.fromarray(np.ascontiguousarray(array.T)).save(partial, format="PNG")
