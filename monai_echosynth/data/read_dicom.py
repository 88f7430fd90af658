"""Ultrasound DICOM files, single and multi-frame, color or gray: gray levels (X, Y, T) and the pixel size.

Scanners store B-mode as gray, RGB or YCbCr. Brightness is the Y of YCbCr, which is taken as it is or, from RGB, computed with
the weights of ITU-R BT.601. The pixel size stands in the region that the scanner calibrated (centimeters), sometimes in Pixel
Spacing (mm).

References:
    DICOM PS3.3, C.8.5.5 US Region Calibration Module, https://dicom.nema.org/medical/dicom/current/output/html/part03.html
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monai_echosynth.data.frame import Pixels
from monai_echosynth.data.gray_levels import to_uint8
from monai_echosynth.errors import EchoSynthError

__all__ = ["read_dicom"]

_LUMA = np.array([0.299, 0.587, 0.114])
_CENTIMETERS = 3
_MODALITIES = ("US", "IVUS")


def read_dicom(path: Path) -> Pixels:
    """Reads one file; needs pydicom and, for compressed pixels, a codec that it knows (Pillow reads baseline JPEG).

    Returns:
        Gray levels (X, Y, T) uint8, T being 1 for a single frame, and the pixel size; 1.0 where the file has none.

    Raises:
        EchoSynthError: pydicom is missing, the file is no ultrasound DICOM, holds no pixels, or cannot be decompressed.
    """
    pydicom = _pydicom()
    try:
        dataset = pydicom.dcmread(path)
    except pydicom.errors.InvalidDicomError as error:
        raise EchoSynthError(f"a DICOM file is needed, got {path}, which is not one: name another file") from error
    modality = str(dataset.get("Modality", "")) or "none"
    if modality not in _MODALITIES:
        raise EchoSynthError(f"ultrasound is needed (modality US), got modality {modality} in {path}: remove that file")
    if "PixelData" not in dataset:
        raise EchoSynthError(
            f"a DICOM file with pixels is needed, got no pixel data in {path}: export the images again"
        )
    spacing = _spacing(dataset)
    return Pixels(_gray(dataset, path, pydicom), spacing or (1.0, 1.0), spacing_known=spacing is not None)


def _pydicom() -> Any:
    try:
        import pydicom
    except ModuleNotFoundError as error:
        raise EchoSynthError(
            "DICOM files need the package pydicom, which is not installed: pip install pydicom, or convert the files to NIfTI"
        ) from error
    return pydicom


def _gray(dataset: Any, path: Path, pydicom: Any) -> NDArray[np.uint8]:
    """Gray levels (X, Y, T)."""
    try:
        array = dataset.pixel_array
    except Exception as error:  # each codec has errors of its own
        syntax = getattr(dataset.file_meta, "TransferSyntaxUID", "")
        name = getattr(syntax, "name", syntax) or "an unknown syntax"
        reason = " ".join(str(error).split())[:160]
        raise EchoSynthError(
            f"pixels must be readable, got {name} in {path} ({reason}): install pylibjpeg[all], or decompress the file"
        ) from error
    color = int(dataset.get("SamplesPerPixel", 1)) == 3
    photometric = str(dataset.get("PhotometricInterpretation", ""))
    if photometric == "PALETTE COLOR":
        array, color, photometric = _palette(dataset, array), True, "RGB"
    if color and photometric.startswith("YBR") and int(pydicom.__version__.split(".")[0]) < 3:
        array, color = array[..., 0], False  # later versions convert to RGB on reading
    if color:
        array = np.rint(array[..., :3] @ _LUMA).astype(array.dtype)
    if photometric == "MONOCHROME1":
        array = (1 << int(dataset.BitsStored)) - 1 - array
    frames = array if array.ndim == 3 else array[None]
    return to_uint8(np.ascontiguousarray(frames.transpose(2, 1, 0)))


def _palette(dataset: Any, array: NDArray[Any]) -> NDArray[Any]:
    """Colors of palette indices, one byte each."""
    from pydicom.pixel_data_handlers.util import apply_color_lut

    colors = apply_color_lut(array, dataset)
    return np.asarray(colors >> 8 if colors.dtype == np.uint16 else colors)


def _spacing(dataset: Any) -> tuple[float, float] | None:
    """Millimeters along x and y."""
    for region in dataset.get("SequenceOfUltrasoundRegions", None) or []:
        units = (region.get("PhysicalUnitsXDirection"), region.get("PhysicalUnitsYDirection"))
        size = (region.get("PhysicalDeltaX"), region.get("PhysicalDeltaY"))
        if units == (_CENTIMETERS, _CENTIMETERS) and all(size):
            return 10.0 * abs(float(size[0])), 10.0 * abs(float(size[1]))
    rows_columns = dataset.get("PixelSpacing")
    return (float(rows_columns[1]), float(rows_columns[0])) if rows_columns else None
