"""NIfTI frames through nibabel: array (X, Y) and spacing, whatever the orientation part of the header says.

CAMUS keeps the lateral axis first and depth second and flips both axes in its affine; the array order is what the pictures
need, so the affine is used for the pixel size only.
"""

from __future__ import annotations

import zlib
from pathlib import Path

import nibabel as nib
import numpy as np
from nibabel.filebasedimages import ImageFileError

from monai_echosynth.data.frame import Pixels
from monai_echosynth.errors import EchoSynthError

__all__ = ["read_nifti"]


def read_nifti(path: Path) -> Pixels:
    """Reads one two-dimensional NIfTI file; trailing axes of length one are dropped.

    Raises:
        EchoSynthError: the file is damaged, cut short or not two-dimensional.
    """
    try:
        image = nib.load(path)
        array = np.asanyarray(image.dataobj)  # type: ignore[attr-defined]
        zooms = image.header.get_zooms()  # type: ignore[no-untyped-call]
    except (ImageFileError, EOFError, OSError, ValueError, zlib.error) as error:
        if isinstance(error, FileNotFoundError | PermissionError):
            raise
        reason = " ".join(str(error).split()) or type(error).__name__
        raise EchoSynthError(
            f"a whole NIfTI file is needed, got {path} ({reason}): copy or download it again"
        ) from error
    while array.ndim > 2 and array.shape[-1] == 1:
        array = array[..., 0]
    if array.ndim != 2:
        raise EchoSynthError(
            f"frames must have two dimensions, got shape {array.shape} in {path}: extract single frames"
        )
    return Pixels(array, (float(zooms[0]), float(zooms[1])))
