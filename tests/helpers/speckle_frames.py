"""Sets of frames whose texture is known: Rayleigh speckle in rings, blurred or not, in memory and as prepared folders."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy import ndimage

from monai_echosynth.data.atomic import write_json
from monai_echosynth.data.write_nifti import write_nifti
from monai_echosynth.metrics.domain_statistics import AnnotatedFrame
from monai_echosynth.metrics.speckle_law import DYNAMIC_RANGE_DB

__all__ = ["LABELS", "speckle_frames", "write_speckle_set"]

LABELS = {
    "name": "rings",
    "labels": [
        {"id": number, "name": name, "channel": number, "color": [number, number, number]}
        for number, name in enumerate(("outside", "cavity", "wall", "sector"))
    ],
}


def speckle_frames(count: int = 6, blur: float = 0.0, seed: int = 0, drop: int | None = None) -> list[AnnotatedFrame]:
    """Log-compressed speckle in a dark disc (1) in a bright ring (2) in a gray sector (3).

    Args:
        count: number of frames.
        blur: standard deviation in pixels of a Gaussian over the picture.
        seed: of the speckle.
        drop: label that is not annotated.
    """
    x, y = np.meshgrid(np.arange(64) - 31.5, np.arange(64) - 31.5, indexing="ij")
    radius = np.hypot(x, y)
    label = np.select([radius < 10, radius < 18, radius < 31], [1, 2, 3], 0).astype(np.uint8)
    level = np.array([0.0, 0.02, 0.5, 0.1])[label]
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        field = [ndimage.gaussian_filter(rng.normal(size=(64, 64)), (1.2, 0.8)) for _ in range(2)]
        envelope = np.hypot(*field) / 0.3 * level
        image = np.clip(1.0 + 20.0 * np.log10(np.maximum(envelope, 1e-6)) / DYNAMIC_RANGE_DB, 0.0, 1.0)
        image = np.where(label > 0, ndimage.gaussian_filter(image, blur), 0.0).astype(np.float32)
        shown = np.where(label == drop, 3, label).astype(np.uint8)
        found.append(AnnotatedFrame(image, shown, label > 0, (1.0, 0.8)))
    return found


def write_speckle_set(
    folder: Path, sections: dict[str, Sequence[AnnotatedFrame]], per_patient: int = 2, prefix: str = "patient"
) -> Path:
    """Writes frames as a prepared folder with its own label table."""
    content: dict[str, object] = {
        "format": 1,
        "spatial_size": [64, 64],
        "labels": {"0": "outside", "1": "cavity", "2": "wall", "3": "sector"},
        "label_table": LABELS,
    }
    for section, frames in {"training": (), "validation": (), "test": (), **sections}.items():
        items = []
        for number, frame in enumerate(frames):
            name = f"{prefix}{section}{number // per_patient:03d}_{number % per_patient}"
            item = {key: f"{key}s/{name}.nii.gz" for key in ("image", "label")}
            write_nifti(folder / item["image"], np.rint(255 * frame.image), frame.spacing)
            write_nifti(folder / item["label"], frame.label, frame.spacing)
            items.append({**item, "id": name, "patient": name.split("_")[0], "view": "4CH", "phase": "ED"})
        content[section] = items
    write_json(folder / "dataset.json", content)
    return folder
