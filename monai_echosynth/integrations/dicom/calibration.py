"""The size of an ultrasound pixel, read and written.

Ultrasound pictures hold more than the echo image, and every part has its own scale: a region of the Sequence of Ultrasound
Regions says where it lies and how far a pixel reaches, in cm for the 2-D image. Pixel Spacing, where it is there, counts for
the whole picture and in mm.

References:
    DICOM PS3.3 C.8.5.5 US Region Calibration Module.
    https://dicom.nema.org/medical/dicom/current/output/chtml/part03/sect_C.8.5.5.html
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from monai_echosynth.errors import EchoSynthError
from monai_echosynth.integrations.dicom.cine import Region, SpacingSource
from monai_echosynth.integrations.dicom.library import load_pydicom

__all__ = ["Calibration", "calibrate", "check_spacing", "region_item"]

TWO_DIMENSIONAL, TISSUE, CENTIMETERS = 1, 1, 3
"""Enumerated values of Region Spatial Format, Region Data Type and Physical Units X (Y) Direction."""


@dataclass(frozen=True)
class Calibration:
    """What the header says about the grid; attributes as in :class:`~monai_echosynth.integrations.dicom.cine.UltrasoundCine`."""

    spacing: tuple[float, float]
    source: SpacingSource
    region: Region


def calibrate(
    header: Any,
    source: object,
    spacing: tuple[float, float] | None = None,
    otherwise: tuple[float, float] | None = None,
) -> Calibration:
    """Pixel size and B-mode region of an ultrasound dataset.

    Args:
        header: the dataset.
        source: file named in errors.
        spacing: pixel size in mm along x and y that overrides the file's.
        otherwise: what it is taken for where the file has none.

    Raises:
        EchoSynthError: there is no spacing, or it is not a positive length.
    """
    whole = Region(0, 0, int(header.Columns), int(header.Rows))
    item = _largest_region(header)
    region = whole if item is None else _box(item, whole, source)
    if spacing is not None:
        return Calibration(check_spacing(spacing, source), SpacingSource.GIVEN, region)
    if item is not None:
        found = (10 * abs(float(item.PhysicalDeltaX)), 10 * abs(float(item.PhysicalDeltaY)))
        return Calibration(check_spacing(found, source), SpacingSource.REGIONS, region)
    rows_columns = header.get("PixelSpacing")
    if rows_columns is None or len(rows_columns) != 2:
        if otherwise is not None:
            return Calibration(check_spacing(otherwise, source), SpacingSource.ASSUMED, region)
        raise EchoSynthError(
            "ultrasound frames need the size of their pixels, got neither a 2-D region in cm in the Sequence of Ultrasound"
            f" Regions nor Pixel Spacing in {source}: give the spacing in mm"
        )
    found = (float(rows_columns[1]), float(rows_columns[0]))
    return Calibration(check_spacing(found, source), SpacingSource.PIXEL_SPACING, region)


def check_spacing(spacing: tuple[float, float], source: object) -> tuple[float, float]:
    """The spacing itself; EchoSynthError naming ``source`` where it is not two positive lengths."""
    if len(spacing) != 2 or not all(math.isfinite(value) and value > 0 for value in spacing):
        raise EchoSynthError(f"a spacing must be two positive lengths in mm, got {spacing} for {source}: correct it")
    return (float(spacing[0]), float(spacing[1]))


def region_item(columns: int, rows: int, spacing: tuple[float, float]) -> Any:
    """One calibrated 2-D tissue region over the whole picture, for the Sequence of Ultrasound Regions; ``spacing`` in mm."""
    item = load_pydicom().Dataset()
    item.RegionSpatialFormat = TWO_DIMENSIONAL
    item.RegionDataType = TISSUE
    item.RegionFlags = 0
    item.RegionLocationMinX0, item.RegionLocationMinY0 = 0, 0
    item.RegionLocationMaxX1, item.RegionLocationMaxY1 = columns - 1, rows - 1
    item.PhysicalUnitsXDirection = item.PhysicalUnitsYDirection = CENTIMETERS
    item.PhysicalDeltaX, item.PhysicalDeltaY = spacing[0] / 10, spacing[1] / 10
    return item


def _largest_region(header: Any) -> Any | None:
    """The largest 2-D region in cm, tissue before others."""
    keys = ("RegionLocationMinX0", "RegionLocationMinY0", "RegionLocationMaxX1", "RegionLocationMaxY1")
    needed = (*keys, "PhysicalDeltaX", "PhysicalDeltaY")
    items = [
        item
        for item in header.get("SequenceOfUltrasoundRegions") or []
        if item.get("RegionSpatialFormat") == TWO_DIMENSIONAL
        and item.get("PhysicalUnitsXDirection") == item.get("PhysicalUnitsYDirection") == CENTIMETERS
        and all(key in item for key in needed)
    ]

    def order(item: Any) -> tuple[bool, int]:
        x0, y0, x1, y1 = (int(item[key].value) for key in keys)
        return item.get("RegionDataType") == TISSUE, (x1 - x0) * (y1 - y0)

    return max(items, key=order, default=None)


def _box(item: Any, whole: Region, source: object) -> Region:
    """The item's box, whose last column and row are inside, cut to the picture."""
    box = Region(
        max(0, int(item.RegionLocationMinX0)),
        max(0, int(item.RegionLocationMinY0)),
        min(whole.x1, int(item.RegionLocationMaxX1) + 1),
        min(whole.y1, int(item.RegionLocationMaxY1) + 1),
    )
    if box.x1 - box.x0 < 2 or box.y1 - box.y0 < 2:
        raise EchoSynthError(
            f"an ultrasound region must lie in the picture of {whole.x1} x {whole.y1} pixels, got {box} in {source}:"
            " correct the Sequence of Ultrasound Regions or remove it"
        )
    return box
