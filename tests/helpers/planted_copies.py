"""A set with copies of training frames, hidden in several ways, and frames of patients that nobody trained on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monai_echosynth.data.atomic import write_json
from monai_echosynth.data.datalist import load_datalist, read_dataset_json
from monai_echosynth.data.read_frame import read_pixels
from monai_echosynth.data.resample import resample_image, resample_label
from monai_echosynth.data.write_nifti import write_nifti
from monai_echosynth.metrics.shift_match import shifted

__all__ = ["DISGUISES", "plant_copies", "split_held_out"]

DISGUISES = ("exact", "mirrored", "shifted", "gain")


def disguised(image: NDArray[Any], label: NDArray[Any], disguise: str) -> tuple[NDArray[Any], NDArray[Any]]:
    """Image (X, Y) of gray levels and its map, changed so that the pixels are no longer equal."""
    if disguise == "mirrored":
        return image[::-1], label[::-1]
    if disguise == "shifted":
        return shifted(image, (3, -3)), shifted(label, (3, -3))
    if disguise == "gain":
        depth = np.linspace(0.0, 1.0, image.shape[1])[None]
        changed = np.clip((0.75 + 0.2 * depth) * image + 12.0 - 10.0 * depth, 0, 255)
        return np.where(label > 0, changed, 0), label
    return image, label


def plant_copies(folder: Path, training: Sequence[dict[str, Any]], others: Sequence[dict[str, Any]], size: int) -> Path:
    """Writes a set: each training frame given in each disguise (``<disguise>_<id>``), and the others (``other_<id>``)."""
    items = []
    for kind, item in [(kind, item) for kind in DISGUISES for item in training] + [("other", item) for item in others]:
        name = f"{kind}_{item['id']}"
        found = read_pixels(Path(item["image"])), read_pixels(Path(item["label"]))
        image = np.rint(resample_image(found[0].array, (size, size)))
        label = resample_label(found[1].array, (size, size))
        image, label = disguised(image, label, kind)
        paths = {key: f"{key}s/{name}.nii.gz" for key in ("image", "label")}
        write_nifti(folder / paths["image"], np.ascontiguousarray(image).astype(np.uint8), found[0].spacing)
        write_nifti(folder / paths["label"], np.ascontiguousarray(label).astype(np.uint8), found[0].spacing)
        items.append({**paths, "id": name, "mask": item["id"], "copy": 0})
    content = {"format": 1, "spatial_size": [size, size], "training": items, "validation": [], "test": [], "notes": []}
    write_json(folder / "dataset.json", content)
    records = [{"id": item["id"], "image": item["image"]} for item in items]
    write_json(folder / "manifest.json", {"synthetic": True, "count": len(items), "images": records})
    return folder


def split_held_out(prepared: Path, out: Path) -> tuple[Path, list[dict[str, Any]]]:
    """A folder whose ``test`` section are the frames of every second held-out patient, and the frames of the others."""
    filled = [name for name in ("validation", "test") if read_dataset_json(prepared).get(name)]
    items = [item for name in filled for item in load_datalist(prepared, name)]
    names = sorted({item["patient"] for item in items})
    control = [item for item in items if names.index(item["patient"]) % 2 == 0]
    content = json.loads((prepared / "dataset.json").read_text())
    write_json(out / "dataset.json", {**content, "training": [], "validation": [], "test": control})
    return out, [item for item in items if item not in control]
