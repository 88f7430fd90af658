"""Writes one two-dimensional uint8 map as NIfTI with its pixel size, atomically."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from monai_echosynth.data.atomic import atomic_path

__all__ = ["write_nifti"]


def write_nifti(path: Path, array: NDArray[Any], spacing: tuple[float, float]) -> None:
    """Writes ``array`` (X, Y) as uint8 with affine diag(spacing x, spacing y, 1, 1) in mm; equal input gives equal bytes."""
    affine = np.diag([*spacing, 1.0, 1.0])
    image = nib.Nifti1Image(np.ascontiguousarray(array, dtype=np.uint8), affine)  # type: ignore[no-untyped-call]
    image.header.set_xyzt_units("mm")
    with atomic_path(path) as partial:
        nib.save(image, partial)  # type: ignore[arg-type]
