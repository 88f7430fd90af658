r"""The ultrasound sector of a frame: everything the beams could reach, black or not.

The scanner leaves exact zeros around the sector, but the blood pool inside may be black as well, so "pixel != 0" has holes. The
sector is the largest connected component of the non-zero pixels with holes filled and, for probes whose field of view is
convex (phased arrays: an apex, two straight sides, an arc), its convex hull. The hull of a pixel set is found from its upper
and lower boundary per column: with :math:`t(x)` and :math:`b(x)` the first and last row in column :math:`x`, the hull is
:math:`\{(x, y): t^{**}(x) \le y \le b_{**}(x)\}` with the convex envelope of :math:`t` and the concave envelope of :math:`b`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from monai_echosynth.errors import EchoSynthError

__all__ = ["ScanGeometry", "convex_hull", "sector_mask"]

FAINT = 0.04
"""Fraction of the maximum below which compression noise is told from echo."""


class ScanGeometry(StrEnum):
    """Shape of the field of view."""

    CONVEX = "convex"
    """Phased or linear array: the convex hull of the component."""
    FREE = "free"
    """Any outline, such as a curved array whose near edge is concave: the component with its holes filled."""


def sector_mask(
    image: NDArray[Any], geometry: ScanGeometry = ScanGeometry.CONVEX, floor: float | None = None
) -> NDArray[np.bool_]:
    """Sector of one frame.

    Args:
        image: (X, Y), zero or nearly zero outside the sector.
        geometry: shape of the field of view.
        floor: pixels above this count as echo. By default 0, or 4 % of the maximum when the surroundings are not clean (lossy
            compression leaves faint ringing along the edge).

    Returns:
        (X, Y), True inside.

    Raises:
        EchoSynthError: no pixel is above the floor.
    """
    largest = _largest_component(image > (0.0 if floor is None else floor))
    if floor is None and _is_lossy(image, largest):
        largest = _largest_component(image > FAINT * image.max())
    if geometry is ScanGeometry.CONVEX:
        return convex_hull(largest)
    filled: NDArray[np.bool_] = ndimage.binary_fill_holes(largest)
    return filled


def _largest_component(bright: NDArray[np.bool_]) -> NDArray[np.bool_]:
    components, count = ndimage.label(bright)
    if count == 0:
        raise EchoSynthError("a frame must show an ultrasound sector, got no bright pixel: replace or remove it")
    sizes = np.bincount(components.ravel())
    sizes[0] = 0
    largest: NDArray[np.bool_] = components == sizes.argmax()
    return largest


def _is_lossy(image: NDArray[Any], component: NDArray[np.bool_]) -> bool:
    """True when the rim of the component, two pixels wide, is mostly fainter than echo: compression noise."""
    hull = convex_hull(component)
    rim = hull & ~ndimage.binary_erosion(hull, iterations=2)
    return float((image[rim] <= FAINT * image.max()).mean()) > 0.5


def convex_hull(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Convex hull of the True pixels of ``mask`` (X, Y), on the same grid; pixel centers on the hull's edge are inside."""
    columns = np.flatnonzero(mask.any(axis=1))
    rows = mask[columns]
    top = rows.argmax(axis=1)
    bottom = mask.shape[1] - 1 - rows[:, ::-1].argmax(axis=1)
    x = np.arange(columns[0], columns[-1] + 1)
    lower = _convex_envelope(columns, top, x)
    upper = -_convex_envelope(columns, -bottom, x)
    y = np.arange(mask.shape[1])
    hull = np.zeros_like(mask)
    hull[x] = (y >= lower[:, None] - 1e-9) & (y <= upper[:, None] + 1e-9)
    return hull


def _convex_envelope(x: NDArray[np.int64], y: NDArray[np.int64], at: NDArray[np.int64]) -> NDArray[np.float64]:
    """Greatest convex function below the points (x, y), x ascending, at the positions ``at`` (Andrew's monotone chain)."""
    chain: list[tuple[int, int]] = []
    for point in zip(x.tolist(), y.tolist(), strict=True):
        while len(chain) > 1 and _turn(chain[-2], chain[-1], point) <= 0:
            chain.pop()
        chain.append(point)
    knots = np.asarray(chain, dtype=np.float64)
    return np.interp(at, knots[:, 0], knots[:, 1])


def _turn(a: tuple[int, int], b: tuple[int, int], c: tuple[int, int]) -> int:
    """Positive when a -> b -> c turns counterclockwise."""
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
