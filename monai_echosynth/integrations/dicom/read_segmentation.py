"""Reads DICOM SEG back into label maps: segments are recognized by their codes, frames by the source frame that they name.

Segments with codes that the table does not have are passed over. Where two segments overlap, the later one is drawn over the
earlier.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monai_echosynth.data.label_table import LabelTable
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.integrations.dicom.calibration import check_spacing
from monai_echosynth.integrations.dicom.codes import STRUCTURE_CODES, coded_entries
from monai_echosynth.integrations.dicom.decode import decoded_frames
from monai_echosynth.integrations.dicom.read_ultrasound import read_dataset

__all__ = ["SEGMENTATION_CLASSES", "SegmentedFrames", "read_segmentation"]

SEGMENTATION_CLASSES = ("1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7")
"""Segmentation Storage and Label Map Segmentation Storage."""


@dataclass(frozen=True)
class SegmentedFrames:
    """Label maps of a recording.

    Attributes:
        labels: (F, X, Y) ids of the table asked for; 0 where no segment is.
        numbers: the source frame of each map, counted from 1, ascending; where the maps belong to several images, the image.
        spacing: pixel size in mm along x and y; None where the file has none.
        source_uid: SOP instance UID of the source image; empty where the file names none or several.
    """

    labels: NDArray[np.uint8]
    numbers: tuple[int, ...]
    spacing: tuple[float, float] | None
    source_uid: str


def read_segmentation(path: Path, table: LabelTable) -> SegmentedFrames:
    """Reads one file.

    Args:
        path: DICOM SEG of type BINARY or LABELMAP.
        table: ids to give to the structures.

    Raises:
        EchoSynthError: the file is no segmentation of such a type, or no segment has a code that the table knows.
    """
    dataset = read_dataset(path)
    kind = dataset.get("SegmentationType")
    if dataset.get("SOPClassUID") not in SEGMENTATION_CLASSES or kind not in ("BINARY", "LABELMAP"):
        found = kind or dataset.get("Modality") or "no modality"
        raise EchoSynthError(
            f"a binary or label map DICOM SEG was expected, got {found} in {path}: choose another file"
        )
    ids = _ids_by_segment(dataset, table, path)
    masks = list(decoded_frames(dataset, path))
    groups = dataset.PerFrameFunctionalGroupsSequence
    sources = [_source(group) for group in groups]
    images = list(dict.fromkeys(uid for uid, _ in sources))
    frames = [number if len(images) == 1 else images.index(uid) + 1 for uid, number in sources]
    numbers = tuple(sorted(set(frames)))
    labels = np.zeros((len(numbers), int(dataset.Columns), int(dataset.Rows)), np.uint8)
    for mask, group, number in zip(masks, groups, frames, strict=True):
        target, shown = labels[numbers.index(number)], None if kind == "LABELMAP" else _segment(group, dataset)
        for segment, value in ids.items():
            if shown in (None, segment):
                target[(segment if shown is None else 1) == mask.T] = value
    return SegmentedFrames(labels, numbers, _spacing(dataset, path), images[0] if len(images) == 1 else "")


def _ids_by_segment(dataset: Any, table: LabelTable, path: Path) -> dict[int, int]:
    """Ids of the table by segment number."""
    known = coded_entries(table)
    ids, seen = {}, []
    for segment in dataset.SegmentSequence:
        code = segment.SegmentedPropertyTypeCodeSequence[0]
        key = f"{code.CodingSchemeDesignator}:{code.get('CodeValue')}"
        seen.append(f"{key} {code.get('CodeMeaning', '')}".strip())
        if key in known:
            ids[int(segment.SegmentNumber)] = known[key].id
    if not ids:
        wanted = ", ".join(f"{key} {STRUCTURE_CODES[row.name].type.meaning}" for key, row in known.items())
        raise EchoSynthError(
            f"a segmentation must hold structures of the table '{table.name}' ({wanted}), got {', '.join(seen)} in {path}:"
            " code its segments so"
        )
    return ids


def _segment(group: Any, dataset: Any) -> int:
    shared = dataset.SharedFunctionalGroupsSequence[0]
    items = group.get("SegmentIdentificationSequence") or shared.get("SegmentIdentificationSequence")
    return int(items[0].ReferencedSegmentNumber) if items else 0


def _source(group: Any) -> tuple[str, int]:
    """The image and its frame, counted from 1, that the functional groups of a mask name."""
    derivation = group.get("DerivationImageSequence")
    sources = derivation[0].get("SourceImageSequence") if derivation else None
    if sources:
        return str(sources[0].ReferencedSOPInstanceUID), int(sources[0].get("ReferencedFrameNumber") or 1)
    return "", int(group.FrameContentSequence[0].DimensionIndexValues[-1])  # the last dimension tells the frames apart


def _spacing(dataset: Any, path: Path) -> tuple[float, float] | None:
    for group in (*dataset.SharedFunctionalGroupsSequence, *dataset.PerFrameFunctionalGroupsSequence[:1]):
        measures = group.get("PixelMeasuresSequence")
        if measures and "PixelSpacing" in measures[0]:
            across, along = measures[0].PixelSpacing
            return check_spacing((float(along), float(across)), path)
    return None
