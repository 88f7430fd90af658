"""Distances between the outlines of two masks, in millimeters.

The outline of a mask is the set of its pixels with a 4-neighbor outside the mask or outside the picture. With d(a, B) the
distance of the center of pixel a from the nearest pixel of outline B (pixel centers scaled by the spacing):

    HD   = max(max_a d(a, B), max_b d(b, A))
    HD95 = max(95th percentile of d(a, B), 95th percentile of d(b, A))
    ASSD = (sum_a d(a, B) + sum_b d(b, A)) / (|A| + |B|)

Where both masks are empty there is nothing to measure: all three are NaN. Where one of them is, all three are the diagonal of
the picture, more than any two outlines in it can be apart: a structure that was missed is the worst there is and counts.

References:
    Huttenlocher et al., "Comparing images using the Hausdorff distance". https://doi.org/10.1109/34.232073
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

__all__ = ["SurfaceDistances", "outline", "surface_distances"]


class SurfaceDistances(NamedTuple):
    """Hausdorff distance, its 95th percentile and the average symmetric distance, mm."""

    hd: float
    hd95: float
    assd: float


def outline(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Pixels of ``mask`` that touch its outside by an edge; the picture's border counts as outside."""
    eroded: NDArray[np.bool_] = ndimage.binary_erosion(mask, border_value=0)
    return mask & ~eroded


def surface_distances(
    prediction: NDArray[np.bool_], reference: NDArray[np.bool_], spacing: Sequence[float]
) -> SurfaceDistances:
    """Distances between the outlines of two masks.

    Args:
        prediction: boolean mask.
        reference: boolean mask of the same shape.
        spacing: size of a pixel along each axis, mm.

    Raises:
        ValueError: shapes differ, or ``spacing`` does not have one positive number an axis.
    """
    if prediction.shape != reference.shape:
        raise ValueError(f"masks must have one shape, got {prediction.shape} and {reference.shape}: resample one first")
    if len(spacing) != reference.ndim or min(spacing) <= 0:
        raise ValueError(
            f"spacing needs {reference.ndim} positive numbers in mm, got {tuple(spacing)}: check the header"
        )
    shown = bool(prediction.any()), bool(reference.any())
    if not all(shown):
        worst = (
            math.hypot(*(n * mm for n, mm in zip(reference.shape, spacing, strict=True))) if any(shown) else math.nan
        )
        return SurfaceDistances(worst, worst, worst)
    window = _bounding_window(prediction | reference)
    edge_p, edge_r = outline(prediction)[window], outline(reference)[window]
    to_reference = ndimage.distance_transform_edt(~edge_r, sampling=spacing)[edge_p]
    to_prediction = ndimage.distance_transform_edt(~edge_p, sampling=spacing)[edge_r]
    both = np.concatenate([to_reference, to_prediction])
    hd95 = max(np.percentile(to_reference, 95), np.percentile(to_prediction, 95))
    return SurfaceDistances(float(both.max()), float(hd95), float(both.mean()))


def _bounding_window(mask: NDArray[np.bool_]) -> tuple[slice, ...]:
    """The smallest box that holds ``mask``: distances inside it need nothing from outside."""
    window: tuple[slice, ...] = ndimage.find_objects(mask.astype(np.uint8))[0]
    return window
