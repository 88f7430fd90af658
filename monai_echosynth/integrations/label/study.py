"""A study as Label knows it: one file with one frame or a cine, and the grid that a label map of it must lie on.

NIfTI frames are (X, Y), (X, Y, 1) or, for a cine, (X, Y, T). PNG holds one frame. A DICOM file becomes a NIfTI volume (X, Y,
T) beside the app, which every viewer reads as gray levels: x to the right, y down, one frame a slice.
"""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from nibabel.filebasedimages import ImageFileError
from numpy.typing import NDArray
from PIL import Image

from monai_echosynth.data.atomic import atomic_path
from monai_echosynth.data.checks import check_image
from monai_echosynth.data.gray_levels import to_uint8
from monai_echosynth.data.read_png import read_png
from monai_echosynth.data.write_nrrd import write_nrrd
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.integrations.dicom.read_ultrasound import read_ultrasound

__all__ = ["DICOM", "EXTENSIONS", "Study", "as_volume", "is_dicom", "read_maps", "read_study", "write_labels"]

DICOM = (".dcm", ".dicom")
NIFTI = (".nii.gz", ".nii")
EXTENSIONS = (*NIFTI, ".png", *DICOM)
_NRRD = ".nrrd"


@dataclass(frozen=True)
class Study:
    """Frames and their grid.

    Attributes:
        path: the file.
        frames: (X, Y, T) uint8 gray levels.
        shape: shape of the file's array, which that of a label map has to be.
        affine: (4, 4) from array indices to millimeters, RAS as in NIfTI.
        spacing: pixel size in mm along x and y.
    """

    path: Path
    frames: NDArray[np.uint8]
    shape: tuple[int, ...]
    affine: NDArray[np.float64]
    spacing: tuple[float, float]


def is_dicom(path: Path) -> bool:
    """Whether the name says so."""
    return path.name.lower().endswith(DICOM)


def as_volume(path: Path, folder: Path) -> Path:
    """The file itself, or for DICOM its volume in ``folder``, which is made when it is not there or older than the file.

    Raises:
        EchoSynthError: the DICOM file cannot be read.
    """
    if not is_dicom(path):
        return path
    place = hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:12]
    volume = folder / place / f"{path.stem}.nii.gz"
    if not volume.is_file() or volume.stat().st_mtime < path.stat().st_mtime:
        _write_nifti(volume, *_read_dicom(path))
    return volume


def read_study(path: Path) -> Study:
    """Reads NIfTI, PNG or DICOM.

    Raises:
        EchoSynthError: the file is missing, damaged, of another format, has more axes than a cine, or shows nothing.
    """
    if not path.is_file():
        raise EchoSynthError(f"a study needs its file, got nothing at {path}: check the name")
    if is_dicom(path):
        array, affine = _read_dicom(path)
    elif path.name.endswith(".png"):
        array, affine = read_png(path).array, np.diag([-1.0, -1.0, 1.0, 1.0])
    elif path.name.endswith(NIFTI):
        array, affine = _read_nifti(path)
    else:
        raise EchoSynthError(f"studies are {', '.join(EXTENSIONS)}, got {path.name}: convert it")
    frames = array.reshape(*array.shape[:2], -1)
    check_image(frames, path)
    x, y = (float(size) for size in np.linalg.norm(affine[:3, :2], axis=0))
    return Study(path, to_uint8(frames), array.shape, affine, (x, y))


def read_maps(path: Path) -> NDArray[np.uint8]:
    """Label maps (X, Y, T) of a NIfTI or PNG file.

    Raises:
        EchoSynthError: the file is missing, damaged, of another format, or holds values that are no label ids.
    """
    if not path.is_file() or not path.name.endswith((*NIFTI, ".png")):
        raise EchoSynthError(f"labels are NIfTI or PNG files, got {path}: save them in one of these formats")
    array = read_png(path).array if path.name.endswith(".png") else _read_nifti(path)[0]
    if array.size and (array.min() < 0 or array.max() > 255 or np.any(array != np.rint(array))):
        raise EchoSynthError(f"labels are whole numbers from 0 to 255, got others in {path}: save a label map")
    return array.reshape(*array.shape[:2], -1).astype(np.uint8)


def write_labels(path: Path, labels: NDArray[np.uint8], study: Study) -> None:
    """Writes label maps (X, Y, T) on the grid of a study, in the format that the suffix names.

    NIfTI gets the shape and the affine of the study's file; NRRD, which 3D Slicer asks for, three axes; PNG holds one frame.

    Raises:
        EchoSynthError: another suffix, or several frames for a PNG file.
    """
    if path.name.endswith(NIFTI):
        _write_nifti(path, labels.reshape(study.shape), study.affine)
    elif path.suffix == _NRRD:
        write_nrrd(path, labels, study.affine)
    elif path.suffix == ".png" and labels.shape[-1] == 1:
        with atomic_path(path) as partial:
            Image.fromarray(np.ascontiguousarray(labels[..., 0].T)).save(partial, format="PNG")
    else:
        raise EchoSynthError(
            f"labels are written as .nii.gz, .nii, .nrrd or, of one frame, .png, got {path.name} for {labels.shape[-1]} frames: "
            "set result_extension to one of these"
        )


def _display_affine(spacing: tuple[float, float]) -> NDArray[np.float64]:
    """x to the right and y down on the screen of a radiologist's viewer, slices a millimeter apart."""
    return np.diag([-spacing[0], -spacing[1], 1.0, 1.0])


def _read_dicom(path: Path) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """The whole picture (X, Y, T), as annotators see it; its pixels are 1 mm where the file does not say."""
    cine = read_ultrasound(path, otherwise=(1.0, 1.0))
    return np.moveaxis(cine.frames, 0, -1), _display_affine(cine.spacing)


def _read_nifti(path: Path) -> tuple[NDArray[Any], NDArray[np.float64]]:
    try:
        image: Any = nib.load(path)
        array, affine = np.asanyarray(image.dataobj), np.asarray(image.affine, np.float64)
    except (ImageFileError, EOFError, OSError, ValueError, zlib.error) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise EchoSynthError(f"a whole NIfTI file is needed, got {path} ({reason}): copy it again") from error
    while array.ndim > 3 and array.shape[-1] == 1:
        array = array[..., 0]
    if array.ndim not in (2, 3):
        raise EchoSynthError(
            f"studies are frames (X, Y) or cines (X, Y, T), got shape {array.shape} in {path}: split the file"
        )
    return array, affine


def _write_nifti(path: Path, array: NDArray[np.uint8], affine: NDArray[np.float64]) -> None:
    image = nib.Nifti1Image(np.ascontiguousarray(array, np.uint8), affine)  # type: ignore[no-untyped-call]
    image.header.set_xyzt_units("mm")
    with atomic_path(path) as partial:
        nib.save(image, partial)  # type: ignore[arg-type]
