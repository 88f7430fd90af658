"""What every instance that is written has in common: identifiers, dates, equipment, and whose study it joins.

A segmentation or an overlay joins the study of its source: patient and study attributes are copied, everything else is new. A
synthetic image joins nothing: all identifiers are new and no attribute is copied.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from monai_echosynth import __version__
from monai_echosynth.data.atomic import atomic_path
from monai_echosynth.integrations.dicom.codes import Code
from monai_echosynth.integrations.dicom.library import load_pydicom

__all__ = ["MANUFACTURER", "code_item", "equipment_item", "join_study", "new_instance", "save", "source_item"]

MANUFACTURER = "monai-echosynth"

_PATIENT = ("PatientName", "PatientID", "PatientBirthDate", "PatientSex")
_STUDY = ("StudyInstanceUID", "StudyDate", "StudyTime", "ReferringPhysicianName", "StudyID", "AccessionNumber")
_OPTIONAL = ("SpecificCharacterSet", "StudyDescription", "PatientAge", "PatientSize", "PatientWeight")


def new_instance(sop_class: str, modality: str, series: str, series_number: int) -> Any:
    """A dataset with new identifiers, explicit little endian, and its equipment; patient and study are empty.

    Args:
        sop_class: UID of the SOP class.
        modality: such as ``US``.
        series: series description.
        series_number: series number.
    """
    pydicom = load_pydicom()
    dataset = pydicom.Dataset()
    dataset.file_meta = pydicom.dataset.FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    dataset.SOPClassUID = sop_class
    dataset.SOPInstanceUID = pydicom.uid.generate_uid()
    dataset.SeriesInstanceUID = pydicom.uid.generate_uid()
    dataset.StudyInstanceUID = pydicom.uid.generate_uid()
    for keyword in (*_PATIENT, *_STUDY[1:]):
        setattr(dataset, keyword, "")
    now = datetime.now()
    dataset.ContentDate = dataset.SeriesDate = dataset.InstanceCreationDate = now.strftime("%Y%m%d")
    dataset.ContentTime = dataset.SeriesTime = dataset.InstanceCreationTime = now.strftime("%H%M%S")
    dataset.Modality, dataset.SeriesDescription = modality, series
    dataset.SeriesNumber, dataset.InstanceNumber = series_number, 1
    dataset.BodyPartExamined = "HEART"
    dataset.Manufacturer = dataset.ManufacturerModelName = MANUFACTURER
    dataset.SoftwareVersions = __version__
    return dataset


def join_study(dataset: Any, source: Any) -> None:
    """Copies patient and study of ``source``, and the mark that its data are synthetic, to ``dataset``."""
    for keyword in (*_PATIENT, *_STUDY):
        if source.get(keyword) is not None:
            setattr(dataset, keyword, source.get(keyword))
    for keyword in (*_OPTIONAL, "SyntheticData"):
        if source.get(keyword):
            setattr(dataset, keyword, source.get(keyword))


def source_item(source: Any, frame: int | None = None) -> Any:
    """Reference to the instance ``source``, or to one of its frames, counted from 1."""
    item = load_pydicom().Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = source.SOPClassUID, source.SOPInstanceUID
    if frame is not None:
        item.ReferencedFrameNumber = frame
    return item


def code_item(code: Code) -> Any:
    """An item of a code sequence."""
    item = load_pydicom().Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = code.value, code.scheme, code.meaning
    return item


def equipment_item(purpose: Code, description: str) -> Any:
    """This software as an item of the Contributing Equipment Sequence.

    Args:
        purpose: of CID 7005 Contributing Equipment Purpose of Reference.
        description: what it did.
    """
    item = load_pydicom().Dataset()
    item.Manufacturer = item.ManufacturerModelName = MANUFACTURER
    item.SoftwareVersions = __version__
    item.ContributionDateTime = datetime.now().strftime("%Y%m%d%H%M%S")
    item.ContributionDescription = description
    item.PurposeOfReferenceCodeSequence = [code_item(purpose)]
    return item


def save(dataset: Any, path: Path, pixels: Sequence[Any] = ()) -> Path:
    """Writes a Part 10 file, whole or not at all; ``pixels`` are arrays that follow each other in Pixel Data."""
    if pixels:
        data = b"".join(array.tobytes() for array in pixels)
        dataset.PixelData = data + b"\0" * (len(data) % 2)
        dataset["PixelData"].VR = "OB"
    with atomic_path(path) as partial:
        dataset.save_as(partial, enforce_file_format=True)
    return path
