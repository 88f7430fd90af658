r"""Sharpness of a border: the steepest mean slope of the gray level across it.

The slope along the normal, :math:`\partial I / \partial n`, is averaged along the whole border, which cancels speckle, over a
window of :math:`\pm w` = 1 mm around the distance :math:`d` from the border; the sharpness is the largest absolute average with
the window inside :math:`\pm 2` mm, so that outlines drawn a little beside the edge do not count. It is edge contrast over edge
width: a step of height h blurred by a Gaussian of standard deviation s has

.. math:: \frac{h}{2 w} \operatorname{erf}\frac{w}{s \sqrt 2},

which tends to :math:`h / (s \sqrt{2 \pi})` for wide edges. Normals come from the smoothed difference of the two labels.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import KDTree

from monai_echosynth.metrics.gradients import Gradient

__all__ = ["REACH_MM", "WINDOW_MM", "border_sharpness"]

WINDOW_MM: Final = 1.0
"""Half the width of the window, mm."""

REACH_MM: Final = 2.0
"""Farthest pixel from the border that counts, mm."""

_SHIFTS = np.linspace(WINDOW_MM - REACH_MM, REACH_MM - WINDOW_MM, 9)
_FEWEST = 16
"""Pixel edges that make a border, and pixels that make an average."""


def border_sharpness(
    gradient: Gradient, label: NDArray[np.integer], pair: tuple[int, int], spacing: tuple[float, float]
) -> float:
    """Sharpness of the border between two labels.

    Args:
        gradient: derivatives of the frame, gray levels per mm.
        label: (X, Y).
        pair: the two label ids.
        spacing: size of a pixel along both axes, mm.

    Returns:
        Gray levels per mm; NaN where the labels share fewer than 16 pixel edges.
    """
    first, second = label == pair[0], label == pair[1]
    edges = _midpoints(first, second)
    if len(edges) < _FEWEST:
        return float("nan")
    rows, columns = np.nonzero((first | second) & gradient.valid)
    distance, _ = KDTree(edges * spacing).query(np.stack([rows, columns], 1) * spacing, distance_upper_bound=REACH_MM)
    near = np.isfinite(distance)
    at = rows[near], columns[near]
    normal = _normals(first, second, spacing)
    slope = gradient.x[at] * normal[0][at] + gradient.y[at] * normal[1][at]
    signed = np.where(first[at], distance[near], -distance[near])
    windows = (np.abs(signed - shift) <= WINDOW_MM for shift in _SHIFTS)
    means = [abs(float(slope[window].mean())) for window in windows if window.sum() >= _FEWEST]
    return max(means, default=float("nan"))


def _midpoints(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Middles (n, 2) of the pixel edges between two masks, in pixels."""
    found = []
    for axis, step in enumerate(((0.5, 0.0), (0.0, 0.5))):
        low, high = (slice(None, -1), slice(None)), (slice(1, None), slice(None))
        before, after = (low, high) if axis == 0 else (low[::-1], high[::-1])
        between = (first[before] & second[after]) | (second[before] & first[after])
        found.append(np.argwhere(between) + np.array(step))
    return np.concatenate(found)


def _normals(
    first: NDArray[np.bool_], second: NDArray[np.bool_], spacing: tuple[float, float]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Unit vectors (x, y) towards `first`, in mm."""
    sd = [max(1.0, WINDOW_MM / size) for size in spacing]
    level = ndimage.gaussian_filter(first.astype(np.float64) - second, sd, mode="nearest")
    x, y = np.gradient(level, *spacing)
    length = np.maximum(np.hypot(x, y), 1e-12)
    return x / length, y / length
