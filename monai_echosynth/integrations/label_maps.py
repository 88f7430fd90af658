"""Label maps that synthetic ultrasound is drawn from: NIfTI, PNG, or DICOM SEG, each brought to semantic ids on its own grid.

A generator must know where the scanner draws. A semantic map says so (every id but 0). A segmentation says so when it has a
background segment; otherwise the sector is taken from the ultrasound image that it refers to, which must lie in the same
folder.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from monai_echosynth.data.builtin_labels import CAMUS_LABELS, SECTOR, SEMANTIC_LABELS
from monai_echosynth.data.folder_labels import structures
from monai_echosynth.data.masks import load_masks, read_native_mask
from monai_echosynth.data.read_frame import SUFFIXES, stem
from monai_echosynth.data.sector_mask import sector_mask
from monai_echosynth.data.semantic_map import annotated_map
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.integrations.dicom.calibration import check_spacing
from monai_echosynth.integrations.dicom.cine import UltrasoundCine
from monai_echosynth.integrations.dicom.read_segmentation import (
    SEGMENTATION_CLASSES,
    SegmentedFrames,
    read_segmentation,
)
from monai_echosynth.integrations.dicom.read_ultrasound import read_dataset, read_ultrasound

__all__ = ["LabelCine", "read_label_maps"]

_STRUCTURES = [row.id for row in structures(SEMANTIC_LABELS)]


@dataclass(frozen=True)
class LabelCine:
    """Semantic maps that become one ultrasound instance.

    Attributes:
        name: file name without its suffix.
        labels: (F, X, Y) ids of the semantic table.
        spacing: pixel size in mm along x and y.
        frame_ms: time between frames in ms, where it is known.
    """

    name: str
    labels: NDArray[np.uint8]
    spacing: tuple[float, float]
    frame_ms: float | None = None


def read_label_maps(path: Path, spacing: tuple[float, float] | None = None) -> list[LabelCine]:
    """Reads a label map or a DICOM SEG, or all of a folder.

    Args:
        path: a file, a folder of maps (as ``echosynth generate --masks`` takes it), or a folder with DICOM SEG files.
        spacing: pixel size in mm along x and y, for files without or with a wrong one.

    Returns:
        One entry a file, those of DICOM SEG first.

    Raises:
        EchoSynthError: nothing is there, a file is bad, its ids are unknown, or its spacing or its sector is.
    """
    if not path.exists():
        raise EchoSynthError(f"label maps were expected, got nothing at {path}: check the path")
    files = [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_file())
    dicom = [file for file in files if _is_dicom(file)]
    cines = [_from_segmentation(file, dicom, spacing) for file in _segmentations(dicom, alone=path.is_file())]
    if path.is_file() and not dicom:
        if not path.name.endswith(SUFFIXES):
            raise EchoSynthError(f"label maps must be {', '.join(SUFFIXES)} or DICOM SEG, got {path}: convert it")
        cines.append(_from_map({"label": str(path), "id": stem(path)}, spacing))
    elif path.is_dir() and (not cines or any(file.name.endswith(SUFFIXES) for file in files)):
        cines += [_from_map(item, spacing) for item in load_masks(path)]
    return cines


def _is_dicom(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(132)[128:] == b"DICM"


def _segmentations(dicom: Sequence[Path], alone: bool) -> list[Path]:
    """The DICOM SEG files among ``dicom``; a file given by name is taken as one."""
    return [
        file for file in dicom if alone or read_dataset(file, header=True).get("SOPClassUID") in SEGMENTATION_CLASSES
    ]


def _from_map(item: dict[str, str], spacing: tuple[float, float] | None) -> LabelCine:
    mask = read_native_mask(item)
    if spacing is None and not mask.spacing_known:
        raise EchoSynthError(
            f"label maps need the size of their pixels, got none in {item['label']}: give the spacing in mm, or use NIfTI"
        )
    return LabelCine(item["id"], mask.label[None], check_spacing(spacing or mask.spacing, item["label"]))


def _from_segmentation(path: Path, beside: Sequence[Path], spacing: tuple[float, float] | None) -> LabelCine:
    """Semantic maps of a DICOM SEG, cut to the box of their sector."""
    found = read_segmentation(path, SEMANTIC_LABELS)
    image = _source(found, beside, spacing)
    size = spacing or found.spacing or (image.spacing if image else None)
    if size is None:
        raise EchoSynthError(
            f"label maps need the size of their pixels, got no Pixel Measures in {path}: give the spacing in mm"
        )
    if (found.labels == SEMANTIC_LABELS.id_of(SECTOR)).any():
        tables, sector = SEMANTIC_LABELS, np.asarray((found.labels > 0).any(axis=0))
    elif image is not None:
        tables, sector = CAMUS_LABELS, np.zeros(found.labels.shape[1:], bool)
        sector[image.region.slices] = sector_mask(image.images.max(axis=0))
    else:
        raise EchoSynthError(
            f"a segmentation must show its sector, got no background segment in {path} and not its image beside it:"
            " put the ultrasound image that it refers to into the same folder"
        )
    drawn = [k for k, label in enumerate(found.labels) if np.isin(label, _STRUCTURES).any()]
    if not drawn:
        raise EchoSynthError(f"a segmentation must mark a structure, got empty segments in {path}: segment it again")
    x, y = np.nonzero(sector)
    box = (slice(x.min(), x.max() + 1), slice(y.min(), y.max() + 1))
    labels = [
        annotated_map(found.labels[k][box], sector[box], f"{path}, frame {found.numbers[k]}", tables, SEMANTIC_LABELS)
        for k in drawn
    ]
    return LabelCine(path.stem, np.stack(labels), check_spacing(size, path), image.frame_ms if image else None)


def _source(
    found: SegmentedFrames, beside: Sequence[Path], spacing: tuple[float, float] | None
) -> UltrasoundCine | None:
    """The image that a segmentation refers to, if it lies beside it and has its size."""
    for file in beside:
        if found.source_uid and read_dataset(file, header=True).get("SOPInstanceUID") == found.source_uid:
            image = read_ultrasound(file, spacing or found.spacing)
            return image if image.frames.shape[1:] == found.labels.shape[1:] else None
    return None
