"""Reads ultrasound DICOM: single frames and cines, gray or color.

References:
    DICOM PS3.3 A.6 Ultrasound Image IOD, A.7 Ultrasound Multi-frame Image IOD.
    https://dicom.nema.org/medical/dicom/current/output/chtml/part03/sect_A.7.html
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from monai_echosynth.errors import EchoSynthError
from monai_echosynth.integrations.dicom.calibration import calibrate
from monai_echosynth.integrations.dicom.cine import UltrasoundCine
from monai_echosynth.integrations.dicom.decode import gray_frames
from monai_echosynth.integrations.dicom.library import load_pydicom

__all__ = ["ULTRASOUND_CLASSES", "read_dataset", "read_ultrasound", "read_ultrasound_folder"]

ULTRASOUND_CLASSES = (
    "1.2.840.10008.5.1.4.1.1.6.1",
    "1.2.840.10008.5.1.4.1.1.3.1",
    "1.2.840.10008.5.1.4.1.1.6",
    "1.2.840.10008.5.1.4.1.1.3",
)
"""Ultrasound Image Storage and Ultrasound Multi-frame Image Storage, and their retired forms."""

_IDENTIFIERS = ("SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID")
_LOGGER = logging.getLogger(__name__)


def read_ultrasound(
    path: Path, spacing: tuple[float, float] | None = None, otherwise: tuple[float, float] | None = None
) -> UltrasoundCine:
    """Reads one file.

    Args:
        path: DICOM file of class Ultrasound (Multi-frame) Image.
        spacing: pixel size in mm along x and y, for a file without or with a wrong one.
        otherwise: what it is taken for where the file has none, for uses in which it does not matter.

    Raises:
        EchoSynthError: the file is missing, not DICOM, of another modality, without pixels or spacing, or its compression needs a
            codec that is not installed.
    """
    dataset = read_dataset(path)
    if dataset.get("SOPClassUID") not in ULTRASOUND_CLASSES:
        raise EchoSynthError(
            f"an ultrasound image (US) was expected, got {_kind(dataset)} in {path}: choose another file"
        )
    if "PixelData" not in dataset or not dataset.get("Rows") or not dataset.get("Columns"):
        raise EchoSynthError(f"a DICOM image must hold Pixel Data, got none in {path}: export the images again")
    missing = [key for key in _IDENTIFIERS if not dataset.get(key)]
    if missing:
        raise EchoSynthError(
            f"a DICOM image must have {', '.join(_IDENTIFIERS)}, got no {missing[0]} in {path}: export it again"
        )
    calibration = calibrate(dataset, path, spacing, otherwise)
    frames = gray_frames(dataset, path)
    header = dataset.copy()
    del header.PixelData
    return UltrasoundCine(
        frames, calibration.spacing, calibration.source, calibration.region, _frame_ms(dataset), path, header
    )


def read_ultrasound_folder(path: Path, spacing: tuple[float, float] | None = None) -> list[UltrasoundCine]:
    """Reads a file, or the ultrasound images of a folder and its sub-folders, in the order of their names.

    Raises:
        EchoSynthError: a file given by name is bad; a folder holds no ultrasound image, or one that cannot be read.
    """
    if path.is_file():
        return [read_ultrasound(path, spacing)]
    files = sorted(file for file in path.rglob("*") if file.is_file() and not file.name.startswith("."))
    if not files:
        raise EchoSynthError(f"ultrasound DICOM files were expected, got none in {path}: check the path")
    reasons, chosen = [], []
    for file in files:
        try:
            dataset = read_dataset(file, header=True)
        except EchoSynthError as error:
            reasons.append(str(error))
            continue
        if dataset.get("SOPClassUID") in ULTRASOUND_CLASSES:
            chosen.append(file)
        else:
            reasons.append(
                f"an ultrasound image (US) was expected, got {_kind(dataset)} in {file}: choose another file"
            )
    if not chosen:
        raise EchoSynthError(
            reasons[0] if len(reasons) == 1 else f"{reasons[0]} (and {len(reasons) - 1} more files that do not fit)"
        )
    for reason in reasons:
        _LOGGER.warning("passed over: %s", reason)
    return [read_ultrasound(file, spacing) for file in chosen]


def read_dataset(path: Path, header: bool = False) -> Any:
    """The dataset of a DICOM file; with ``header`` without its pixels.

    Raises:
        EchoSynthError: the file is missing, empty or not DICOM.
    """
    if not path.is_file():
        raise EchoSynthError(f"a DICOM file was expected, got nothing at {path}: check the path")
    pydicom = load_pydicom()
    try:
        return pydicom.dcmread(path, stop_before_pixels=header)
    except PermissionError:
        raise
    except Exception as error:  # not DICOM, or cut short anywhere
        reason = (
            "no DICOM prefix" if isinstance(error, pydicom.errors.InvalidDicomError) else " ".join(str(error).split())
        )
        raise EchoSynthError(
            f"a DICOM file was expected, got {path} which is none ({reason}): export or copy it again"
        ) from error


def _kind(dataset: Any) -> str:
    uid = dataset.get("SOPClassUID")
    return f"{uid.name if uid else 'no SOP class'} (modality {dataset.get('Modality') or 'unknown'})"


def _frame_ms(dataset: Any) -> float | None:
    """Frame Time, or the mean of Frame Time Vector, or what Cine Rate says."""
    if dataset.get("FrameTime"):
        return float(dataset.FrameTime)
    steps = dataset.get("FrameTimeVector")
    if steps is not None and not isinstance(steps, (int, float, str)) and len(steps) > 1:
        return sum(float(step) for step in steps[1:]) / (len(steps) - 1)
    return 1000.0 / float(dataset.CineRate) if dataset.get("CineRate") else None
