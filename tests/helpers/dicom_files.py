"""Ultrasound DICOM written with pydicom alone, as oracles for the readers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["PATIENT", "disk_labels", "gray_ramp", "region", "save", "ultrasound"]

PATIENT = "Doe^Jane"


def gray_ramp(frames: int = 2, columns: int = 24, rows: int = 16) -> NDArray[np.uint8]:
    """Frames (F, rows, columns), every pixel its own value."""
    values = np.arange(frames * rows * columns).reshape(frames, rows, columns)
    return (values % 251).astype(np.uint8)


def disk_labels(shape: tuple[int, int], radii: list[float], spacing: tuple[float, float]) -> NDArray[np.uint8]:
    """Label maps (F, X, Y) with a disk of id 1 in mm, a ring of id 2 around it, and id 3 below."""
    x, y = np.meshgrid(*[(np.arange(n) + 0.5) * s for n, s in zip(shape, spacing, strict=True)], indexing="ij")
    center = [n * s / 2 for n, s in zip(shape, spacing, strict=True)]
    distance = np.hypot(x - center[0], y - center[1])
    maps = [np.select([distance <= r, distance <= 1.3 * r, y > 1.8 * center[1]], [1, 2, 3]) for r in radii]
    return np.stack(maps).astype(np.uint8)


def region(box: tuple[int, int, int, int], spacing: tuple[float, float], **changes: Any) -> Any:
    """Item of the Sequence of Ultrasound Regions; ``box`` with its last column and row, ``spacing`` in mm."""
    import pydicom

    item = pydicom.Dataset()
    values = {"RegionSpatialFormat": 1, "RegionDataType": 1, "RegionFlags": 0}
    keys = ("RegionLocationMinX0", "RegionLocationMinY0", "RegionLocationMaxX1", "RegionLocationMaxY1")
    values |= dict(zip(keys, box, strict=True))
    values |= {"PhysicalUnitsXDirection": 3, "PhysicalUnitsYDirection": 3}
    values |= {"PhysicalDeltaX": spacing[0] / 10, "PhysicalDeltaY": spacing[1] / 10}
    for key, value in {**values, **changes}.items():
        setattr(item, key, value)
    return item


def ultrasound(pixels: NDArray[Any], photometric: str = "MONOCHROME2", **attributes: Any) -> Any:
    """Dataset of a patient with frames (F, rows, columns[, 3]), native encoding; multi-frame where F > 1."""
    import pydicom
    from pydicom.uid import ExplicitVRLittleEndian, generate_uid

    dataset = pydicom.Dataset()
    dataset.file_meta = pydicom.dataset.FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    cine = len(pixels) > 1
    dataset.SOPClassUID = f"1.2.840.10008.5.1.4.1.1.{'3' if cine else '6'}.1"
    dataset.SOPInstanceUID, dataset.StudyInstanceUID, dataset.SeriesInstanceUID = (generate_uid() for _ in range(3))
    dataset.PatientName, dataset.PatientID, dataset.Modality = PATIENT, "4711", "US"
    dataset.PatientBirthDate, dataset.PatientSex, dataset.AccessionNumber = "19500101", "F", "A1"
    dataset.StudyDate, dataset.StudyTime, dataset.StudyID = "20200102", "101112", "7"
    dataset.ReferringPhysicianName, dataset.InstitutionName = "Ref^Doc", "Hospital"
    dataset.Rows, dataset.Columns = pixels.shape[1:3]
    color = pixels.ndim == 4
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 3 if color else 1, photometric
    if color:
        dataset.PlanarConfiguration = 0
    bits = 8 * pixels.dtype.itemsize
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = bits, bits, bits - 1
    dataset.PixelRepresentation = 0
    if cine:
        dataset.NumberOfFrames, dataset.FrameTime = len(pixels), "33.5"
    dataset.SequenceOfUltrasoundRegions = [region((0, 0, int(dataset.Columns) - 1, int(dataset.Rows) - 1), (0.5, 0.25))]
    data = pixels.tobytes()
    dataset.PixelData = data + b"\0" * (len(data) % 2)
    dataset["PixelData"].VR = "OB" if bits == 8 else "OW"
    for key, value in attributes.items():
        if value is None:
            delattr(dataset, key)
        else:
            setattr(dataset, key, value)
    return dataset


def save(dataset: Any, path: Path) -> Path:
    """Writes a Part 10 file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset.save_as(path, enforce_file_format=True)
    return path
