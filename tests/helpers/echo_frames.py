"""Small frames in the layouts that the readers know: a triangle-like sector with nested structures."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
from numpy.typing import NDArray
from PIL import Image

Map = NDArray[np.uint8]


def sector(shape: tuple[int, int] = (48, 40)) -> NDArray[np.bool_]:
    """Phased-array sector (X, Y): an apex at the top, two sides, an arc."""
    x, y = np.meshgrid(np.arange(shape[0]) - (shape[0] - 1) / 2, np.arange(shape[1]) + 0.0, indexing="ij")
    return (np.abs(x) <= 0.6 * y) & (np.hypot(x, y) <= shape[1] - 1)


def frame(seed: int = 0, shape: tuple[int, int] = (48, 40)) -> tuple[Map, Map]:
    """Image with a black cavity and CAMUS label map, (X, Y)."""
    rng = np.random.default_rng(seed)
    x, y = np.meshgrid(np.arange(shape[0]) - (shape[0] - 1) / 2, np.arange(shape[1]) + 0.0, indexing="ij")
    inside = sector(shape)
    label = np.zeros(shape, np.uint8)
    label[(np.abs(x) < 4) & (y > 29)] = 3
    label[np.hypot(x, (y - 20) / 1.5) < 7] = 2
    label[np.hypot(x, (y - 20) / 1.5) < 4] = 1
    image = np.where(inside, rng.integers(60, 255, shape), 0).astype(np.uint8)
    image[label == 1] = 0
    return image, label


def save_nifti(path: Path, array: NDArray[np.generic], spacing: tuple[float, float] = (0.5, 0.25)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(nib.Nifti1Image(array, np.diag([-spacing[0], -spacing[1], 1.0, 1.0])), path)


def save_png(path: Path, array: Map) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.ascontiguousarray(array.T)).save(path)


def camus_folder(root: Path, patients: int = 8, views: tuple[str, ...] = ("4CH",)) -> Path:
    """CAMUS NIfTI layout with ED and ES; returns ``root``."""
    for number in range(1, patients + 1):
        for index, (view, phase) in enumerate((view, phase) for view in views for phase in ("ED", "ES")):
            image, label = frame(100 * number + index)
            name = f"patient{number:04d}"
            base = root / "database_nifti" / name / f"{name}_{view}_{phase}"
            save_nifti(base.with_name(base.name + ".nii.gz"), image)
            save_nifti(base.with_name(base.name + "_gt.nii.gz"), label)
    return root
