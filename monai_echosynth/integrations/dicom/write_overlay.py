"""Frames with colored outlines as a Secondary Capture: a picture for any viewer, not for measuring.

One frame becomes a Secondary Capture Image, a cine a Multi-frame True Color Secondary Capture Image. Outlines are the rim of each
structure, one pixel wide inside it, in the colors of the label table.

References:
    DICOM PS3.3 A.8 Secondary Capture Image IODs.
    https://dicom.nema.org/medical/dicom/current/output/chtml/part03/sect_A.8.html
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from monai_echosynth.data.folder_labels import structures
from monai_echosynth.data.label_table import LabelTable
from monai_echosynth.integrations.dicom.cine import UltrasoundCine
from monai_echosynth.integrations.dicom.instance import join_study, new_instance, save, source_item
from monai_echosynth.integrations.dicom.library import load_pydicom

__all__ = ["draw_outlines", "write_overlay"]

SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
MULTI_FRAME_CAPTURE = "1.2.840.10008.5.1.4.1.1.7.4"
DEFAULT_FRAME_MS = 40.0
"""Time between frames of a cine that does not say its own."""
_SERIES = 902


def draw_outlines(frame: NDArray[np.uint8], label: NDArray[np.uint8], table: LabelTable) -> NDArray[np.uint8]:
    """Picture (rows, columns, 3) of a frame (X, Y) with the rims of the structures of its label map (X, Y)."""
    picture = np.repeat(frame.T[..., None], 3, axis=-1)
    for entry in structures(table):
        mask = entry.id == label.T
        picture[mask & ~ndimage.binary_erosion(mask)] = entry.color
    return picture


def write_overlay(path: Path, cine: UltrasoundCine, labels: NDArray[np.uint8], table: LabelTable) -> Path:
    """Writes the frames of ``cine`` with outlines.

    Args:
        path: file to write.
        cine: the source.
        labels: (F, X, Y) ids on the grid of ``cine.frames``.
        table: what the ids mean, and their colors.

    Returns:
        ``path``.

    Raises:
        OSError: the file cannot be written.
    """
    is_cine = len(labels) > 1
    dataset = new_instance(
        MULTI_FRAME_CAPTURE if is_cine else SECONDARY_CAPTURE, "US", "Segmentation overlay (research only)", _SERIES
    )
    join_study(dataset, cine.header)
    dataset.ConversionType = "WSD"
    dataset.ImageType = ["DERIVED", "SECONDARY"]
    dataset.DerivationDescription = (
        "Outlines of an automatic segmentation drawn on the frames. Research only, not for diagnosis."
    )
    dataset.SourceImageSequence = [source_item(cine.header)]
    dataset.PatientOrientation = ""
    dataset.BurnedInAnnotation = cine.header.get("BurnedInAnnotation") or "YES"  # unknown text may be in the picture
    dataset.PixelSpacing = [load_pydicom().valuerep.DS(value, auto_format=True) for value in cine.spacing[::-1]]
    _add_image(dataset, cine)
    if is_cine:
        dataset.NumberOfFrames = len(labels)
        dataset.FrameIncrementPointer = load_pydicom().datadict.tag_for_keyword("FrameTime")
        dataset.FrameTime = f"{cine.frame_ms or DEFAULT_FRAME_MS:.10g}"
    pictures = [draw_outlines(frame, label, table) for frame, label in zip(cine.frames, labels, strict=True)]
    return save(dataset, path, pictures)


def _add_image(dataset: Any, cine: UltrasoundCine) -> None:
    """Image Pixel module of 8-bit RGB, and the history of lossy compression."""
    dataset.Rows, dataset.Columns = cine.frames.shape[2], cine.frames.shape[1]
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation, dataset.PlanarConfiguration = 3, "RGB", 0
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 8, 8, 7, 0
    dataset.LossyImageCompression = cine.header.get("LossyImageCompression") or "00"
    for keyword in ("LossyImageCompressionRatio", "LossyImageCompressionMethod"):
        if dataset.LossyImageCompression == "01" and cine.header.get(keyword):
            setattr(dataset, keyword, cine.header.get(keyword))
