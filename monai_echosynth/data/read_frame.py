"""Reads a frame of any supported format, chosen by suffix, and checks that image and label belong together."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monai_echosynth.data.checks import check_image, check_same_shape
from monai_echosynth.data.frame import Frame, FrameRecord, Pixels
from monai_echosynth.data.read_mhd import read_mhd
from monai_echosynth.data.read_nifti import read_nifti
from monai_echosynth.data.read_png import read_png
from monai_echosynth.errors import EchoSynthError

__all__ = ["SUFFIXES", "load_frame", "read_pixels", "stem"]

SUFFIXES = (".nii.gz", ".nii", ".mhd", ".png")


def stem(path: Path) -> str:
    """File name without its suffix, where ``.nii.gz`` counts as one."""
    for suffix in SUFFIXES:
        if path.name.endswith(suffix):
            return path.name.removesuffix(suffix)
    return path.stem


def read_pixels(path: Path) -> Pixels:
    """Reads one image or label file: (X, Y) array and spacing in mm.

    Raises:
        EchoSynthError: the file is missing, damaged or of an unknown format.
    """
    if not path.is_file():
        raise EchoSynthError(f"a file was expected, got nothing at {path}: check the path")
    if path.name.endswith((".nii.gz", ".nii")):
        return read_nifti(path)
    if path.suffix == ".mhd":
        return read_mhd(path)
    if path.suffix == ".png":
        return read_png(path)
    raise EchoSynthError(f"frames must be {', '.join(SUFFIXES)}, got {path}: convert it")


def load_frame(record: FrameRecord) -> Frame:
    """Reads image and label of ``record``; ids of the label are checked later, against the table in use.

    Raises:
        EchoSynthError: a file is bad, the image is black or not finite, or the shapes differ.
    """
    image = read_pixels(record.image_path)
    check_image(image.array, record.image_path)
    label = None
    if record.label_path is not None:
        label = _joined(record.masks) if record.masks else read_pixels(record.label_path).array
        check_same_shape(image.array, record.image_path, label, record.label_path)
    return Frame(record, image.array, label, image.spacing, image.spacing_known)


def _joined(masks: tuple[Path, ...]) -> NDArray[Any]:
    """Map that is 1 where any of several masks is not 0."""
    arrays = [read_pixels(path).array for path in masks]
    for array, path in zip(arrays, masks, strict=True):
        check_same_shape(arrays[0], masks[0], array, path)
    return np.any([array > 0 for array in arrays], axis=0).astype(np.uint8)
