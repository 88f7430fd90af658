"""Checks of what was read, each with an error that names the file and the remedy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monai_echosynth.errors import EchoSynthError

__all__ = ["check_finite", "check_folder", "check_image", "check_same_shape"]


def check_folder(path: Path) -> None:
    """The folder must exist and hold something."""
    if not path.is_dir():
        raise EchoSynthError(f"a data folder was expected, got {path} ({_what(path)}): check the path")
    if next(path.iterdir(), None) is None:
        raise EchoSynthError(
            f"a data folder with frames was expected, got {path} which is empty: fill it or check the path"
        )


def check_finite(image: NDArray[Any], path: Path) -> None:
    """An image (X, Y) must hold numbers alone."""
    if image.dtype.kind == "f" and not np.isfinite(image).all():
        count = int((~np.isfinite(image)).sum())
        raise EchoSynthError(
            f"images must be finite, got {count} NaN or infinite pixels in {path}: repair or remove it"
        )


def check_image(image: NDArray[Any], path: Path) -> None:
    """An image (X, Y) must be finite and must not be constant."""
    check_finite(image, path)
    if image.size == 0 or image.max() <= image.min():
        value = "no pixels" if image.size == 0 else f"every pixel {image.flat[0]:g} (all black)"
        raise EchoSynthError(f"images must show something, got {value} in {path}: replace or remove that frame")


def check_same_shape(image: NDArray[Any], image_path: Path, label: NDArray[Any], label_path: Path) -> None:
    """Image and label must lie on one grid."""
    if image.shape != label.shape:
        raise EchoSynthError(
            f"label and image must have one shape, got {label.shape} in {label_path} and {image.shape} in {image_path.name}:"
            " export both on the same grid"
        )


def _what(path: Path) -> str:
    return "a file" if path.exists() else "it does not exist"
