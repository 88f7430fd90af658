"""Outlines of a label map as SVG paths laid over a frame."""

from __future__ import annotations

import numpy as np
from contourpy import contour_generator
from numpy.typing import NDArray
from scipy import ndimage

from monai_echosynth.workflows.report.palette import OUTLINES

__all__ = ["contour_overlay", "outline_path"]

SMOOTHING = 0.7
"""Standard deviation in pixels of the blur that rounds the pixel staircase before the contour at one half."""


def outline_path(mask: NDArray[np.bool_]) -> str:
    """Outline of a mask (X, Y) as SVG path data; x to the right, depth downwards, one unit a pixel."""
    if not mask.any():
        return ""
    field = ndimage.gaussian_filter(np.pad(mask.T.astype(np.float64), 1), SMOOTHING)
    parts = []
    for line in contour_generator(z=field, line_type="Separate").lines(0.5):
        points = np.asarray(line)[:: 1 if len(line) < 200 else 2] - 0.5
        parts.append("M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points) + "Z")
    return "".join(parts)


def contour_overlay(label: NDArray[np.uint8], reference: NDArray[np.uint8] | None = None) -> str:
    """Colored outlines of a label map, over dashed white outlines of a reference map if one is given.

    Args:
        label: (X, Y), semantic ids.
        reference: (X, Y) or None.

    Returns:
        An `<svg>` element that stretches over its frame.
    """
    paths = []
    for _, ids, color in OUTLINES:
        if reference is not None:
            paths.append(f'<path class="reference" d="{outline_path(np.isin(reference, ids))}"/>')
        paths.append(f'<path stroke="{color}" d="{outline_path(np.isin(label, ids))}"/>')
    size = f"0 0 {label.shape[0]} {label.shape[1]}"
    return (
        f'<svg class="contours" viewBox="{size}" preserveAspectRatio="none" aria-hidden="true">{"".join(paths)}</svg>'
    )
