"""The fingerprint of a data set: the few numbers that a segmentation network is planned from.

nnU-Net's idea: shapes, spacings, intensities and class shares decide patch size, depth and batch size; nothing else of
the data does.

References:
    Isensee et al., "nnU-Net". https://doi.org/10.1038/s41592-020-01008-z
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from monai_echosynth.data.atomic import write_json
from monai_echosynth.errors import EchoSynthError

__all__ = ["DatasetFingerprint", "fingerprint_frames"]


@dataclass(frozen=True)
class DatasetFingerprint:
    """Numbers that describe a set of labeled frames.

    Attributes:
        frames: number of frames.
        patients: number of patients.
        median_shape: pixels along x and y.
        median_spacing: mm along x and y.
        intensity_mean: mean gray level of labeled structures, in units of the files.
        intensity_std: its standard deviation.
        class_shares: share of each label id in all pixels of the frames looked at.
    """

    frames: int
    patients: int
    median_shape: tuple[int, int]
    median_spacing: tuple[float, float]
    intensity_mean: float
    intensity_std: float
    class_shares: Mapping[str, float]

    def save(self, path: str | Path) -> None:
        """Writes the fingerprint as JSON."""
        write_json(path, asdict(self))


def fingerprint_frames(
    items: Sequence[Mapping[str, Any]], foreground: Sequence[int] = (1, 2, 3), sample: int = 64
) -> DatasetFingerprint:
    """Fingerprint of prepared frames.

    Args:
        items: entries of a datalist with absolute NIfTI paths ``image`` and ``label``.
        foreground: label ids of structures.
        sample: shapes and intensities are measured on at most this many frames, evenly spread over the list.

    Raises:
        EchoSynthError: there is no frame, or no frame looked at shows a structure.
    """
    if not items:
        raise EchoSynthError("a fingerprint needs at least one labeled frame, got none: prepare a data set first")
    chosen = [items[i] for i in np.unique(np.linspace(0, len(items) - 1, min(sample, len(items))).astype(int))]
    shapes, spacings, values, counts = [], [], [], np.zeros(256, dtype=np.int64)
    for item in chosen:
        image, label = nib.load(item["image"]), nib.load(item["label"])
        map_ = np.asanyarray(label.dataobj).astype(np.uint8)
        shapes.append(image.shape[:2])
        spacings.append(image.header.get_zooms()[:2])
        values.append(_foreground_values(np.asanyarray(image.dataobj), map_, foreground))
        counts += np.bincount(map_.ravel(), minlength=256)
    gray = np.concatenate(values)
    if not gray.size:
        raise EchoSynthError(
            f"labels must show a structure of ids {tuple(foreground)}, got none: check the label table"
        )
    shape, spacing = np.median(shapes, axis=0), np.median(spacings, axis=0)
    return DatasetFingerprint(
        frames=len(items),
        patients=len({str(item.get("patient", item["image"])) for item in items}),
        median_shape=(int(shape[0]), int(shape[1])),
        median_spacing=(float(spacing[0]), float(spacing[1])),
        intensity_mean=float(gray.mean()),
        intensity_std=float(gray.std()),
        class_shares={str(i): float(counts[i] / counts.sum()) for i in np.flatnonzero(counts)},
    )


def _foreground_values(image: NDArray[Any], label: NDArray[np.uint8], foreground: Sequence[int]) -> NDArray[np.float64]:
    if image.shape != label.shape:
        raise EchoSynthError(
            f"image and label must have one shape, got {image.shape} and {label.shape}: prepare them again"
        )
    values: NDArray[np.float64] = image[np.isin(label, foreground)].astype(np.float64)
    return values
