"""Checks of what the Deploy applications wrote, with readers that are not ours: highdicom for segmentations, pydicom."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monai_echosynth.errors import EchoSynthError
from monai_echosynth.integrations.dicom.library import load_highdicom, load_pydicom
from monai_echosynth.integrations.dicom.write_ultrasound import SYNTHESIZING_EQUIPMENT

__all__ = ["TOLERANCE", "area_difference", "check_synthetic", "segment_masks"]

TOLERANCE = 0.02
"""Largest relative difference of areas."""


def segment_masks(path: Path) -> dict[str, NDArray[np.bool_]]:
    """Masks (F, rows, columns) by tracking ID of a DICOM SEG, over the frames of its source, as highdicom reads them."""
    highdicom = load_highdicom()
    dataset = highdicom.seg.segread(path)
    source = dataset.SourceImageSequence[0].ReferencedSOPInstanceUID
    names = [segment.TrackingID for segment in dataset.SegmentSequence]
    used = [
        group.DerivationImageSequence[0].SourceImageSequence[0] for group in dataset.PerFrameFunctionalGroupsSequence
    ]
    options = {"ignore_spatial_locations": True, "assert_missing_frames_are_empty": True}
    if "ReferencedFrameNumber" in used[0]:
        numbers = list(range(1, max(int(item.ReferencedFrameNumber) for item in used) + 1))
        stack = dataset.get_pixels_by_source_frame(source, numbers, **options)
    else:
        stack = dataset.get_pixels_by_source_instance([source], **options)
    return {name: stack[..., number] > 0 for number, name in enumerate(names)}


def area_difference(measurements: Path, segmentation: Path, spacing: tuple[float, float]) -> float:
    """Largest relative difference between the areas that were reported and those of the masks in pixels of ``spacing`` (mm).

    Raises:
        EchoSynthError: it is more than 2 %, or nothing was segmented at all.
    """
    reported: Mapping[str, list[float]] = json.loads(measurements.read_text(encoding="utf-8"))["areas_cm2"]
    worst, compared = 0.0, 0
    for name, masks in segment_masks(segmentation).items():
        for number, mask in enumerate(masks):
            area = float(mask.sum()) * spacing[0] * spacing[1] / 100
            if area > 0:
                compared += 1
                worst = max(worst, abs(reported[name][number] - area) / area)
    if not compared:
        raise EchoSynthError(
            f"a segmentation with structures was expected, got an empty one in {segmentation}: train longer"
        )
    if worst > TOLERANCE:
        raise EchoSynthError(
            f"areas must agree with the spacing of the input within {TOLERANCE:.0%}, got {worst:.1%} in {measurements}: report it"
        )
    return worst


def check_synthetic(path: Path, spacing: tuple[float, float]) -> dict[str, Any]:
    """The marks of a synthetic instance; raises EchoSynthError naming the first that is missing.

    Args:
        path: ultrasound DICOM.
        spacing: what its pixels must measure in mm along x and y.
    """
    dataset = load_pydicom().dcmread(path)
    purposes = [
        item.PurposeOfReferenceCodeSequence[0].CodeValue for item in dataset.get("ContributingEquipmentSequence") or []
    ]
    region = dataset.SequenceOfUltrasoundRegions[0]
    found = (float(region.PhysicalDeltaX) * 10, float(region.PhysicalDeltaY) * 10)
    wanted = {
        "Synthetic Data = YES": dataset.get("SyntheticData") == "YES",
        "Synthesizing Equipment (109100)": SYNTHESIZING_EQUIPMENT.value in purposes,
        "Derivation Description": bool(dataset.get("DerivationDescription")),
        f"a spacing of {spacing}": bool(np.allclose(found, spacing, rtol=1e-6)),
        "a picture": bool(dataset.pixel_array.std() > 0),
    }
    missing = [name for name, there in wanted.items() if not there]
    if missing:
        raise EchoSynthError(f"a synthetic instance must have {missing[0]}, {path} has not: report it")
    return {"frames": int(dataset.get("NumberOfFrames", 1)), "spacing_mm": list(found)}
