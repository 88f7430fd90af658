"""Looks at every frame of a prepared folder before a long training or an evaluation starts from it.

``echosynth prepare`` writes sound frames. Folders are also copied, cut short on the way, edited and made by other programs; a
training that meets such a frame fails late and without its name, or goes on with NaN.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from monai_echosynth.data.checks import check_finite, check_image, check_same_shape
from monai_echosynth.data.datalist import load_datalist, read_dataset_json, read_label_table
from monai_echosynth.data.label_table import LabelTable
from monai_echosynth.data.read_frame import read_pixels
from monai_echosynth.errors import EchoSynthError

__all__ = ["check_images", "check_prepared", "check_size"]

Folder = str | PathLike[str]


def check_prepared(dirs: Folder | Sequence[Folder], section: str) -> None:
    """Reads every image and label of one section of prepared folders.

    Args:
        dirs: prepared folders.
        section: ``training``, ``validation`` or ``test``.

    Raises:
        EchoSynthError: a file is missing or cut short, an image is black or not finite (a synthetic one may be black), a label
            has ids that are not in the folders' table, the shapes of a pair differ, the section is empty, or the folders hold
            different label tables.
    """
    items = load_datalist(dirs, section)
    table = read_label_table(dirs)
    for item in items:
        _check(item, section, table)


def check_images(folder: Folder, section: str) -> None:
    """Reads every image of one section of a prepared folder, for uses that need no labels.

    Raises:
        EchoSynthError: a file is missing or cut short, an image is black or not finite, or the section is empty.
    """
    for item in load_datalist(folder, section):
        path = _named(item, "image", section)
        check_image(read_pixels(path).array, path)


def check_size(folder: Folder, size: int) -> None:
    """Raises an EchoSynthError unless the frames of a prepared folder have ``size`` x ``size`` pixels."""
    found = read_dataset_json(folder).get("spatial_size")
    if found != [size, size]:
        raise EchoSynthError(
            f"frames of {size} x {size} pixels are needed by this preset, got {found} in {folder}: "
            f"prepare them with --size {size} or choose another preset"
        )


def _check(item: Mapping[str, Any], section: str, table: LabelTable) -> None:
    image_path, label_path = (_named(item, key, section) for key in ("image", "label"))
    image, label = read_pixels(image_path).array, read_pixels(label_path).array
    (check_finite if "mask" in item else check_image)(image, image_path)
    check_same_shape(image, image_path, label, label_path)
    table.check(label, label_path)


def _named(item: Mapping[str, Any], key: str, section: str) -> Path:
    if key not in item:
        raise EchoSynthError(
            f"each frame of section '{section}' needs the key '{key}', got {sorted(item)}: prepare the folder again"
        )
    return Path(item[key])
