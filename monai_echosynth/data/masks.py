"""Label maps that generation starts from: listed from any folder that has some, read onto the generator's grid.

A semantic map carries its sector (everything but id 0). A raw annotation does not: its sector is taken from the image beside it,
and without one the map is refused, since the generator must know where the scanner draws.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monai_echosynth.data.builtin_labels import SECTOR
from monai_echosynth.data.camus_layout import camus_records
from monai_echosynth.data.checks import check_folder, check_image, check_same_shape
from monai_echosynth.data.datalist import load_datalist
from monai_echosynth.data.folder_labels import FolderLabels, labels_beside, rest_id
from monai_echosynth.data.image_folder import describe_name, frame_files
from monai_echosynth.data.read_frame import read_pixels
from monai_echosynth.data.resample import resample_label
from monai_echosynth.data.sector_mask import sector_mask
from monai_echosynth.data.semantic_map import annotated_map
from monai_echosynth.errors import EchoSynthError

__all__ = ["Mask", "load_masks", "read_mask", "read_native_mask"]


@dataclass(frozen=True)
class Mask:
    """A semantic map on the grid asked for.

    Attributes:
        label: (S, S), or (X, Y) on the native grid; uint8 ids of the semantic table.
        spacing: pixel size in mm along x and y on this grid.
        note: what was done to the file's map, in words; empty when nothing was.
        spacing_known: False when the file carries no spacing, which is then 1.0 for its own pixels.
    """

    label: NDArray[np.uint8]
    spacing: tuple[float, float]
    note: str
    spacing_known: bool = True


def load_masks(folder: str | PathLike[str], section: str = "training") -> list[dict[str, str]]:
    """Lists the label maps of a folder.

    Args:
        folder: prepared folder, folder with ``labels/``, CAMUS layout, or plain folder of maps.
        section: section that is taken of a prepared folder.

    Returns:
        Items with ``label`` (absolute path), ``id``, ``patient``, ``view``, ``phase`` and, when one lies beside, ``image``;
        sorted by id but for prepared folders, which keep their order.

    Raises:
        EchoSynthError: the folder is missing or holds no label map.
    """
    root = Path(folder)
    check_folder(root)
    if (root / "dataset.json").is_file():
        keys = ("label", "id", "patient", "view", "phase")
        return [{key: str(item.get(key, "")) for key in keys} for item in load_datalist(root, section)]
    root = root.resolve()
    items = _beside(root) if (root / "labels").is_dir() else _camus(root) or _plain(root)
    if not items:
        raise EchoSynthError(
            f"label maps (.nii.gz or .png) were expected in {folder} or its labels/, got none: check the path"
        )
    return items


def read_mask(item: Mapping[str, Any], size: int, labels: FolderLabels | None = None) -> Mask:
    """Reads one item of :func:`load_masks` onto a grid of ``size`` x ``size``.

    Args:
        item: ``label`` (a path) and, for raw annotations, ``image``.
        size: side of the grid.
        labels: tables of the maps; by default those of the folder that the map lies in.

    Raises:
        EchoSynthError: the file is bad, has unknown ids, or its sector is not known.
    """
    mask = read_native_mask(item, labels)
    label = mask.label
    if label.shape == (size, size):
        return mask
    spacing = (mask.spacing[0] * label.shape[0] / size, mask.spacing[1] * label.shape[1] / size)
    name = Path(str(item["label"])).name
    note = f"mask {name} was resampled from {label.shape[0]} x {label.shape[1]} to {size} x {size} pixels"
    return Mask(resample_label(label, (size, size)), spacing, note, mask.spacing_known)


def read_native_mask(item: Mapping[str, Any], labels: FolderLabels | None = None) -> Mask:
    """Reads one item of :func:`load_masks` on its own grid; arguments and errors as for :func:`read_mask`."""
    path = Path(str(item["label"]))
    pixels = read_pixels(path)
    labels = labels or labels_beside(path)
    table = labels.table_of(pixels.array)
    table.check(pixels.array, path)
    label = annotated_map(pixels.array, _sector(item, pixels.array, path, labels), path, table, labels.semantic)
    return Mask(label, pixels.spacing, "", pixels.spacing_known)


def _sector(item: Mapping[str, Any], label: NDArray[Any], path: Path, labels: FolderLabels) -> NDArray[np.bool_]:
    table = labels.table_of(label)
    if SECTOR in table.names.values():
        return np.asarray(label != rest_id(table))
    if not item.get("image"):
        raise EchoSynthError(
            f"a mask must show its sector (id {labels.semantic.id_of(SECTOR)} where it holds no structure), got raw ids"
            f" without an image beside in {path}: run 'echosynth prepare' on the frames, or put the images into images/"
        )
    image_path = Path(str(item["image"]))
    image = read_pixels(image_path).array
    check_image(image, image_path)
    check_same_shape(image, image_path, label, path)
    return sector_mask(image)


def _item(name: str, label: Path, image: Path | None) -> dict[str, str]:
    patient, view, phase = describe_name(name)
    item = {"label": str(label), "id": name, "patient": patient, "view": view, "phase": phase}
    return {**item, "image": str(image)} if image else item


def _beside(root: Path) -> list[dict[str, str]]:
    images = frame_files(root / "images") if (root / "images").is_dir() else {}
    return [_item(name, path, images.get(name)) for name, path in frame_files(root / "labels").items()]


def _camus(root: Path) -> list[dict[str, str]]:
    return [_item(r.id, r.label_path, r.image_path) for r in camus_records(root) if r.label_path is not None]


def _plain(root: Path) -> list[dict[str, str]]:
    return [_item(name, path, None) for name, path in frame_files(root).items()]
