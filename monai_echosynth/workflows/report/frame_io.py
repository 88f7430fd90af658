"""One frame with its label map, as read from a prepared, synthetic or evaluation folder."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from nibabel.filebasedimages import ImageFileError
from numpy.typing import NDArray
from PIL import Image

from monai_echosynth.errors import EchoSynthError

__all__ = ["Frame", "frame_png", "read_frame", "read_map", "readable"]


@dataclass(frozen=True)
class Frame:
    """A frame.

    Attributes:
        name: Id of the entry.
        image: (X, Y), intensity in [0, 1].
        label: (X, Y), semantic ids 0..4.
        spacing: Pixel size (x, y) in mm.
    """

    name: str
    image: NDArray[np.float32]
    label: NDArray[np.uint8]
    spacing: tuple[float, float]

    @property
    def aspect(self) -> float:
        """Physical width over height."""
        return (self.image.shape[0] * self.spacing[0]) / (self.image.shape[1] * self.spacing[1])


def read_frame(entry: Mapping[str, Any]) -> Frame:
    """Reads the image and the label map of a data list entry (NIfTI or PNG)."""
    image, spacing = _read(Path(entry["image"]))
    label, _ = _read(Path(entry["label"]))
    if image.shape != label.shape:
        raise EchoSynthError(
            f"{entry['image']} and {entry['label']} must agree in size, "
            f"received {image.shape} and {label.shape}: prepare the data again"
        )
    scaled = image.astype(np.float32) / 255.0 if image.max(initial=0.0) > 1.0 else image.astype(np.float32)
    return Frame(str(entry.get("id", Path(entry["image"]).name)), scaled, label.astype(np.uint8), spacing)


def read_map(path: Path) -> NDArray[np.uint8]:
    """Reads a label map (X, Y)."""
    return _read(path)[0].astype(np.uint8)


def frame_png(image: NDArray[np.floating], aspect: float, height: int = 256) -> bytes:
    """Encodes an image (X, Y) in [0, 1] as a gray PNG, depth downwards, at most `height` pixels tall.

    Frames are enlarged no further than twice, and get the physical aspect (width over height) in the pixels themselves.
    """
    picture = Image.fromarray(np.rint(np.clip(image.T, 0.0, 1.0) * 255.0).astype(np.uint8))
    tall = min(height, 2 * picture.height)
    stream = io.BytesIO()
    picture.resize((max(1, round(tall * aspect)), tall), Image.Resampling.LANCZOS).save(stream, "PNG", optimize=True)
    return stream.getvalue()


def readable(name: str) -> str:
    """Id of a frame as a heading: 'patient0001_4CH_ED' becomes 'patient0001 · 4CH · ED'."""
    return " · ".join(part for part in name.split("_") if part)


def _read(path: Path) -> tuple[NDArray[np.float64], tuple[float, float]]:
    try:
        if path.suffix.lower() == ".png":
            with Image.open(path) as picture:
                return np.asarray(picture.convert("L"), dtype=np.float64).T, (1.0, 1.0)
        volume = nib.load(path)  # type: ignore[attr-defined]
        zooms = volume.header.get_zooms()  # type: ignore[attr-defined]
        array = np.asarray(volume.dataobj, dtype=np.float64)  # type: ignore[attr-defined]
    except (ImageFileError, EOFError, ValueError, OSError) as error:
        raise EchoSynthError(
            f"{path} must be a readable image, received a damaged one ({error}): re-run its stage"
        ) from error
    return array.reshape(array.shape[:2]), (float(zooms[0]), float(zooms[1]))
