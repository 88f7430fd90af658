"""Ways to damage frames, and how to see that nothing looks whole."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from tests.helpers.echo_frames import save_nifti

FINISHED = ("dataset.json", "manifest.json", "summary.json", "scores.json", "report.html", "*.safetensors")
"""What says that a folder is whole; ``summary.json`` of a study stands beside its report."""

Damage = Callable[[Path], object]


def unfinished(folder: Path, given: Collection[str] = ()) -> bool:
    """Whether nothing in a folder looks finished, files that were ``given`` apart, and no partial file is left."""
    made = [path for name in FINISHED for path in folder.rglob(name) if path.name not in given]
    return not made and not list(folder.rglob(".partial-*"))


def rewrite(path: Path, change: Callable[[np.ndarray], np.ndarray]) -> None:
    image = nib.load(path)
    spacing = image.header.get_zooms()
    save_nifti(path, change(np.asarray(image.dataobj)), (float(spacing[0]), float(spacing[1])))


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def blacken(path: Path) -> None:
    rewrite(path, np.zeros_like)


def spoil(path: Path) -> None:
    rewrite(path, lambda array: np.where(array == array.max(), np.nan, array.astype(np.float32)))


def mislabel(path: Path) -> None:
    rewrite(path, lambda array: np.where(array == 1, 9, array).astype(np.uint8))


def shrink(path: Path) -> None:
    rewrite(path, lambda array: array[:-1])


DAMAGES: dict[str, tuple[str, Damage, str]] = {
    "label missing": ("label", Path.unlink, "label"),
    "image missing": ("image", Path.unlink, "image"),
    "unknown id": ("label", mislabel, "got 9"),
    "other shape": ("label", shrink, "shape"),
    "cut image": ("image", cut, "whole NIfTI"),
    "cut label": ("label", cut, "whole NIfTI"),
    "black image": ("image", blacken, "all black"),
    "NaN image": ("image", spoil, "NaN"),
    "NaN label": ("label", spoil, "nan"),
}
each_damage = pytest.mark.parametrize("damage", DAMAGES)
