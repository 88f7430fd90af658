"""An ultrasound recording in memory: gray frames, the size of their pixels, and where in the picture the B-mode image lies."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monai_echosynth.errors import EchoSynthError

__all__ = ["Region", "SpacingSource", "UltrasoundCine"]


class SpacingSource(StrEnum):
    """Where the size of a pixel comes from."""

    REGIONS = "Sequence of Ultrasound Regions (0018,6011)"
    """Physical Delta X and Y of the calibrated 2-D region."""
    PIXEL_SPACING = "Pixel Spacing (0028,0030)"
    """Distances of rows and columns."""
    GIVEN = "given by the user"
    """An option, which overrides the file."""
    ASSUMED = "assumed, for want of one"
    """A stand-in where the file has none."""


@dataclass(frozen=True)
class Region:
    """A box of pixels: columns x0 <= x < x1, rows y0 <= y < y1."""

    x0: int
    y0: int
    x1: int
    y1: int

    @property
    def slices(self) -> tuple[slice, slice]:
        """The box as an index of an array (X, Y)."""
        return slice(self.x0, self.x1), slice(self.y0, self.y1)


@dataclass(frozen=True)
class UltrasoundCine:
    """One ultrasound instance.

    Attributes:
        frames: gray levels (F, X, Y), uint8; the whole picture, text and curves included.
        spacing: pixel size in mm along x (lateral, columns) and y (depth, rows).
        spacing_source: where ``spacing`` was found.
        region: the calibrated B-mode image inside the picture.
        frame_ms: time between frames in ms; None where the file has no fixed one.
        source: the file.
        header: the dataset without its pixels.
    """

    frames: NDArray[np.uint8]
    spacing: tuple[float, float]
    spacing_source: SpacingSource
    region: Region
    frame_ms: float | None
    source: Path
    header: Any

    @property
    def images(self) -> NDArray[np.uint8]:
        """The B-mode part of the frames, (F, X, Y)."""
        return self.frames[(slice(None), *self.region.slices)]

    def whole(self, labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Label maps of :attr:`images` (F, X, Y) on the grid of the whole picture, 0 around them."""
        if labels.shape != self.images.shape:
            raise EchoSynthError(
                f"label maps must lie on the grid of the frames {self.images.shape}, got {labels.shape} for {self.source}:"
                " bring them back to the native grid"
            )
        result = np.zeros(self.frames.shape, np.uint8)
        result[(slice(None), *self.region.slices)] = labels
        return result
