"""A prepared data set of a few tiny frames: ellipses in a disc with speckle-like noise. Seconds to write, learnable."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from monai_echosynth.data.atomic import write_json

__all__ = ["tiny_frame", "write_tiny_prepared"]

_GRAY = np.array([0.0, 0.12, 0.75, 0.15, 0.4])


def tiny_frame(shape: tuple[int, int], rng: np.random.Generator) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Image (X, Y) uint8 and semantic map (X, Y) with all ids 0..4."""
    x, y = np.meshgrid(*[(np.arange(n) + 0.5) / n for n in shape], indexing="ij")
    center = np.array([0.5, 0.42]) + rng.uniform(-0.05, 0.05, 2)
    scale = rng.uniform(0.85, 1.1)

    def ellipse(cx: float, cy: float, rx: float, ry: float) -> NDArray[np.bool_]:
        inside: NDArray[np.bool_] = ((x - cx) / (rx * scale)) ** 2 + ((y - cy) / (ry * scale)) ** 2 < 1
        return inside

    label = np.where(ellipse(0.5, 0.5, 0.62, 0.62), 4, 0)
    label[ellipse(center[0], center[1] + 0.36 * scale, 0.14, 0.1) & (label == 4)] = 3
    label[ellipse(*center, 0.2, 0.27)] = 2
    label[ellipse(*center, 0.12, 0.19)] = 1
    image = _GRAY[label] * rng.gamma(6.0, 1 / 6.0, shape)
    return (255 * np.clip(image, 0, 1)).astype(np.uint8), label.astype(np.uint8)


def write_tiny_prepared(
    folder: Path, size: int = 32, native: tuple[int, int] = (44, 36), training: int = 6, test: int = 4, seed: int = 0
) -> Path:
    """Writes a prepared folder: ``training`` frames, 2 validation frames and ``test`` native frames, 2 a patient."""
    rng = np.random.default_rng(seed)
    content: dict[str, object] = {
        "format": 1,
        "name": "tiny",
        "source": "ellipses",
        "spatial_size": [size, size],
        "labels": {"0": "outside", "1": "lv_endo", "2": "myo", "3": "la", "4": "sector"},
        "seed": seed,
    }
    number = 0
    for section, count in (("training", training), ("validation", 2), ("test", test)):
        items = []
        for _ in range(count):
            patient, phase = f"patient{number // 2:04d}", ("ED", "ES")[number % 2]
            name = f"{patient}_4CH_{phase}"
            home = "original/" if section == "test" else ""
            shape, spacing = (native, (0.7, 0.4)) if section == "test" else ((size, size), (1.0, 0.5))
            item = {"image": f"{home}images/{name}.nii.gz", "label": f"{home}labels/{name}.nii.gz"}
            for key, data in zip(("image", "label"), tiny_frame(shape, rng), strict=True):
                path = folder / item[key]
                path.parent.mkdir(parents=True, exist_ok=True)
                nib.save(nib.Nifti1Image(data, np.diag([*spacing, 1.0, 1.0])), path)
            items.append({**item, "id": name, "patient": patient, "view": "4CH", "phase": phase})
            number += 1
        content[section] = items
    write_json(folder / "dataset.json", content)
    return folder
