"""Writes gray frames as ultrasound DICOM that belongs to nobody: new identifiers, no attribute of a patient.

Synthetic frames are marked as the standard asks: Synthetic Data (0008,001C) is YES, the Contributing Equipment Sequence names
this software as (109100, DCM, "Synthesizing Equipment"), and the derivation is told in words. The size of a pixel is in the
Sequence of Ultrasound Regions, as a scanner writes it.

References:
    DICOM PS3.3 C.12.1 SOP Common Module (Synthetic Data), A.7 Ultrasound Multi-frame Image IOD; PS3.16 CID 7005.
    https://dicom.nema.org/medical/dicom/current/output/chtml/part03/sect_C.12.html
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monai_echosynth.errors import EchoSynthError
from monai_echosynth.integrations.dicom.calibration import check_spacing, region_item
from monai_echosynth.integrations.dicom.codes import Code
from monai_echosynth.integrations.dicom.instance import equipment_item, new_instance, save
from monai_echosynth.integrations.dicom.library import load_pydicom

__all__ = ["SYNTHESIZING_EQUIPMENT", "write_ultrasound"]

SINGLE_FRAME = "1.2.840.10008.5.1.4.1.1.6.1"
MULTI_FRAME = "1.2.840.10008.5.1.4.1.1.3.1"
SYNTHESIZING_EQUIPMENT = Code("109100", "DCM", "Synthesizing Equipment")


def write_ultrasound(
    path: Path,
    frames: NDArray[np.uint8],
    spacing: tuple[float, float],
    derivation: str,
    synthetic: bool = True,
    frame_ms: float = 40.0,
    patient: str = "SYNTHETIC",
) -> Path:
    """Writes an Ultrasound Image, or an Ultrasound Multi-frame Image where there are several frames.

    Args:
        path: file to write.
        frames: gray levels (F, X, Y), uint8.
        spacing: pixel size in mm along x and y.
        derivation: where the frames come from, in words (Derivation Description).
        synthetic: the frames were made, not acquired; sets Synthetic Data and names this software as synthesizing equipment.
        frame_ms: time between frames in ms.
        patient: patient ID, a pseudonym.

    Returns:
        ``path``.

    Raises:
        EchoSynthError: there is no frame, or the spacing is not two positive lengths.
        OSError: the file cannot be written.
    """
    if frames.ndim != 3 or not frames.size or frames.dtype != np.uint8:
        raise EchoSynthError(
            f"an ultrasound image needs uint8 frames (F, X, Y), got {frames.dtype} {frames.shape} for {path}: stack them so"
        )
    check_spacing(spacing, path)
    is_cine = len(frames) > 1
    series = "Synthetic ultrasound (research only)" if synthetic else "Ultrasound"
    dataset = new_instance(MULTI_FRAME if is_cine else SINGLE_FRAME, "US", series, 1)
    dataset.PatientID = patient
    dataset.PatientName = f"{patient}^Echo"
    dataset.StudyID = "1"
    dataset.StudyDate, dataset.StudyTime = dataset.ContentDate, dataset.ContentTime
    dataset.ImageType = ["DERIVED", "PRIMARY"]
    dataset.DerivationDescription = derivation
    dataset.BurnedInAnnotation = "NO"
    dataset.PatientOrientation = ""
    if synthetic:
        dataset.SyntheticData = "YES"
        dataset.ContributingEquipmentSequence = [equipment_item(SYNTHESIZING_EQUIPMENT, derivation)]
    _add_image(dataset, frames, spacing)
    if is_cine:
        dataset.NumberOfFrames = len(frames)
        dataset.FrameIncrementPointer = load_pydicom().datadict.tag_for_keyword("FrameTime")
        dataset.FrameTime = f"{frame_ms:.10g}"
    return save(dataset, path, [np.ascontiguousarray(frame.T) for frame in frames])


def _add_image(dataset: Any, frames: NDArray[np.uint8], spacing: tuple[float, float]) -> None:
    """Image Pixel, US Image and US Region Calibration modules of 8-bit gray frames."""
    columns, rows = frames.shape[1:]
    dataset.Rows, dataset.Columns = rows, columns
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 8, 8, 7, 0
    dataset.LossyImageCompression = "00"
    dataset.UltrasoundColorDataPresent = 0
    dataset.SequenceOfUltrasoundRegions = [region_item(columns, rows, spacing)]
