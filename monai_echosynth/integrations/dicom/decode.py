"""Pixels of a DICOM image as gray frames, whatever their color space and compression.

Color goes to gray by the luma of ITU-R BT.601, which is the Y of YBR_FULL. A transfer syntax that nothing installed can decode
ends in the sentence that names what to install.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monai_echosynth.errors import EchoSynthError
from monai_echosynth.integrations.dicom.library import load_pydicom

__all__ = ["decoded_frames", "gray_frames"]

LUMA = np.array([0.299, 0.587, 0.114], np.float32)
_CODECS = {
    "JPEG 2000": "pylibjpeg pylibjpeg-openjpeg",
    "High-Throughput": "pylibjpeg pylibjpeg-openjpeg",
    "JPEG-LS": "pyjpegls",
    "JPEG": "pylibjpeg pylibjpeg-libjpeg",
}
"""Packages that decode the transfer syntaxes whose names begin so."""


def gray_frames(dataset: Any, source: object) -> NDArray[np.uint8]:
    """All frames of an image as gray levels.

    Args:
        dataset: MONOCHROME1, MONOCHROME2, RGB, YBR or PALETTE COLOR.
        source: file named in errors.

    Returns:
        (F, X, Y) uint8: the first spatial axis are the columns.

    Raises:
        EchoSynthError: there are no pixels, the codec is missing, or the pixels cannot be decoded.
    """
    frames = [_gray(frame, dataset) for frame in decoded_frames(dataset, source)]
    return np.ascontiguousarray(np.stack(frames).transpose(0, 2, 1))


def decoded_frames(dataset: Any, source: object) -> Iterator[NDArray[Any]]:
    """Frames (rows, columns[, 3]) one by one, color as RGB; errors as in :func:`gray_frames`."""
    if "PixelData" not in dataset:
        raise EchoSynthError(f"a DICOM image must hold Pixel Data, got none in {source}: export the images again")
    pydicom = load_pydicom()
    modern = hasattr(pydicom, "pixels")
    if modern:
        _require_decoder(dataset, source)
    try:
        yield from pydicom.pixels.iter_pixels(dataset) if modern else _frames_of_version_2(dataset)
    except Exception as error:  # a damaged stream raises whatever its bytes lead to
        reason = " ".join(str(error).split())[:200]
        raise EchoSynthError(
            f"pixel data must be whole, got some in {source} that cannot be decoded ({reason}): export it again"
        ) from error


def _frames_of_version_2(dataset: Any) -> Iterator[NDArray[Any]]:
    """Frames by pydicom 2, which leaves YBR as it is stored."""
    array = dataset.pixel_array
    if dataset.PhotometricInterpretation.startswith("YBR"):
        convert = load_pydicom().pixel_data_handlers.util.convert_color_space
        array = convert(array, dataset.PhotometricInterpretation, "RGB")
    yield from array if int(dataset.get("NumberOfFrames") or 1) > 1 else array[None]


def _require_decoder(dataset: Any, source: object) -> None:
    syntax = getattr(getattr(dataset, "file_meta", None), "TransferSyntaxUID", None)
    if syntax is None:
        raise EchoSynthError(f"a DICOM file must name its transfer syntax, got none in {source}: export it again")
    try:
        decoder = load_pydicom().pixels.get_decoder(syntax)
    except NotImplementedError as error:
        raise EchoSynthError(
            f"pixel data must be uncompressed, RLE or of the JPEG family, got {syntax.name} in {source}:"
            " export the frames as JPEG or uncompressed"
        ) from error
    if not decoder.is_available:
        packages = next((names for start, names in _CODECS.items() if syntax.name.startswith(start)), "pylibjpeg[all]")
        raise EchoSynthError(
            f"decoding {syntax.name} needs a codec that is not installed, got such pixels in {source}: pip install {packages}"
        )


def _gray(frame: NDArray[Any], dataset: Any) -> NDArray[np.uint8]:
    """One frame (rows, columns) as uint8."""
    bits = int(dataset.BitsStored)
    if dataset.PhotometricInterpretation == "PALETTE COLOR":
        pydicom = load_pydicom()
        tools = pydicom.pixels if hasattr(pydicom, "pixels") else pydicom.pixel_data_handlers.util
        frame = tools.apply_color_lut(frame, dataset)
        bits = 8 * frame.dtype.itemsize
    gray = frame[..., :3].astype(np.float32) @ LUMA if frame.ndim == 3 else frame.astype(np.float32)
    if bits != 8:
        gray = gray * (255.0 / (2**bits - 1))
    if dataset.PhotometricInterpretation == "MONOCHROME1":
        gray = 255.0 - gray
    return np.rint(np.clip(gray, 0, 255)).astype(np.uint8)
