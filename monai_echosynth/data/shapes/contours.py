"""Outer boundary of a pixel region as a closed chain of pixel edges.

Two regions that touch share the edges between their pixels, so curves made from edges meet exactly, with neither gap nor
overlap; curves through pixel centers do not. The chain runs counterclockwise in the (x, y) plane (region on the left) and, where
two pixels of the region touch at a corner only, keeps to the pixel it came from (4-connectivity).

The middles of the edges, not the corners, are taken as the curve: on a diagonal staircase they lie on one straight line, so that
the length of the curve is not that of the staircase. Pixel (i, j) has its center at (i * spacing_x, j * spacing_y) mm.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

__all__ = ["Contour", "arc_length", "at_length", "largest_region", "polygon_area", "resample", "trace"]

_STEP = np.array([(1, 0), (0, 1), (-1, 0), (0, -1)])
_INSIDE = np.array([(0, 0), (-1, 0), (-1, -1), (0, -1)])
"""Pixel on the left of an edge, relative to the corner where the edge starts."""
_OUTSIDE = np.array([(0, -1), (0, 0), (-1, 0), (-1, -1)])


@dataclass(frozen=True)
class Contour:
    """Closed chain of n pixel edges.

    Attributes:
        corners: (n, 2) corner where each edge starts; corner (i, j) is the one of pixel (i, j) nearest to the origin.
        directions: (n,) 0 +x, 1 +y, 2 -x, 3 -y.
    """

    corners: NDArray[np.int64]
    directions: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.corners)

    def sides(self, label: NDArray[Any], beyond: int = 0) -> tuple[NDArray[Any], NDArray[Any]]:
        """Values of ``label`` (X, Y) on the inner and on the outer side of each edge; ``beyond`` outside the array."""
        padded = np.pad(label, 1, constant_values=beyond)
        pixels = (self.corners + table[self.directions] + 1 for table in (_INSIDE, _OUTSIDE))
        inner, outer = (padded[pixel[:, 0], pixel[:, 1]] for pixel in pixels)
        return inner, outer

    def polyline(self, start: int, stop: int, spacing: tuple[float, float]) -> NDArray[np.float64]:
        """Curve along the edges start, ..., stop - 1 (cyclic; the whole chain when equal), corner to corner, in mm."""
        count = (stop - start - 1) % len(self) + 1
        edges = (start + np.arange(count)) % len(self)
        middles = self.corners[edges] + 0.5 * _STEP[self.directions[edges]]
        last = self.corners[(start + count) % len(self)]
        points = np.concatenate([self.corners[start % len(self)][None], middles, last[None]])
        return (points - 0.5) * np.asarray(spacing)


def largest_region(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Largest 4-connected component of a mask with its holes filled; empty when the mask is."""
    components, count = ndimage.label(mask)
    if count > 1:
        sizes = np.bincount(components.ravel())
        sizes[0] = 0
        mask = components == sizes.argmax()
    filled: NDArray[np.bool_] = ndimage.binary_fill_holes(mask)
    return filled


def trace(mask: NDArray[np.bool_]) -> Contour:
    """Outer contour of a mask (X, Y) with one 4-connected component.

    Raises:
        ValueError: the mask is empty.
    """
    if not mask.any():
        raise ValueError("a contour needs a region with pixels, got an empty mask: check the label")
    padded = np.pad(mask, 1)
    inner = padded[1:-1, 1:-1]
    edges = np.zeros((4, mask.shape[0] + 1, mask.shape[1] + 1), bool)
    edges[0, :-1, :-1] = inner & ~padded[1:-1, :-2]
    edges[1, 1:, :-1] = inner & ~padded[2:, 1:-1]
    edges[2, 1:, 1:] = inner & ~padded[1:-1, 2:]
    edges[3, :-1, 1:] = inner & ~padded[:-2, 1:-1]
    start = tuple(int(index[0]) for index in np.nonzero(edges[0]))
    x, y, direction = start[0], start[1], 0
    corners, directions = [], []
    steps = _STEP.tolist()
    while True:
        corners.append((x, y))
        directions.append(direction)
        x, y = x + steps[direction][0], y + steps[direction][1]
        # left first: at a corner where two pixels of the region meet, that stays on the same pixel
        direction = next(d for d in ((direction + 1) % 4, direction, (direction + 3) % 4) if edges[d, x, y])
        if (x, y, direction) == (*start, 0):
            return Contour(np.array(corners), np.array(directions))


def resample(polyline: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """``count`` points at equal steps of arc length along a polyline (n, 2), both ends included."""
    return at_length(polyline, np.linspace(0.0, arc_length(polyline)[-1], count))


def arc_length(polyline: NDArray[np.float64]) -> NDArray[np.float64]:
    """Length (n,) of a polyline (n, 2) from its first point to each."""
    steps = np.diff(polyline, axis=0)
    return np.concatenate([[0.0], np.cumsum(np.hypot(steps[:, 0], steps[:, 1]))])


def at_length(polyline: NDArray[np.float64], at: NDArray[np.float64]) -> NDArray[np.float64]:
    """Points (m, 2) of a polyline (n, 2) at the arc lengths ``at`` (m,)."""
    length = arc_length(polyline)
    return np.stack([np.interp(at, length, polyline[:, axis]) for axis in (0, 1)], axis=1)


def polygon_area(points: NDArray[np.float64]) -> float:
    """Signed area of a closed polygon (n, 2), positive when counterclockwise (shoelace formula)."""
    x, y = points.T
    return 0.5 * float(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y))
