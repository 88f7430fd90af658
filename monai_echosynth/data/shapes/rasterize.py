r"""Draws closed curves in mm onto a pixel grid.

A pixel belongs to a curve when the winding number around its center is not zero. Along a column of pixels the winding number
changes at the crossings of the curve only: :math:`w(x, y) = \sum_e s_e [y \ge y_e(x)]` over the edges that span x, with
:math:`s_e = \pm 1` by their direction. Each edge is evaluated from its left to its right end whatever its direction, so two
curves that share an edge get the same crossing to the last bit, and no pixel falls between them or into both.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from monai_echosynth.data.label_table import LabelTable
from monai_echosynth.data.shapes.layout import ShapeLayout
from monai_echosynth.errors import EchoSynthError

__all__ = ["draw_shape", "fill_polygon", "sector_anchor"]


def fill_polygon(points: NDArray[np.float64], grid: tuple[int, int], spacing: tuple[float, float]) -> NDArray[np.bool_]:
    """Pixels whose centers lie inside a closed polygon.

    Args:
        points: (n, 2), mm; pixel (i, j) has its center at (i * spacing[0], j * spacing[1]).
        grid: size (X, Y) of the result.
        spacing: pixel size along x and y, mm.

    Returns:
        (X, Y), True inside.
    """
    first, second = points, np.roll(points, -1, axis=0)
    forward = first[:, 0] < second[:, 0]
    left, right = np.where(forward[:, None], first, second), np.where(forward[:, None], second, first)
    x = np.arange(grid[0]) * spacing[0]
    spans = (left[:, :1] <= x) & (x < right[:, :1])
    edge, column = np.nonzero(spans)
    slope = (right[edge, 1] - left[edge, 1]) / (right[edge, 0] - left[edge, 0])
    crossing = left[edge, 1] + slope * (x[column] - left[edge, 0])
    row = np.clip(np.ceil(crossing / spacing[1]), 0, grid[1]).astype(np.int64)
    change = np.zeros((grid[0], grid[1] + 1), np.int64)
    np.add.at(change, (column, row), np.where(forward[edge], 1, -1))
    inside: NDArray[np.bool_] = np.cumsum(change, axis=1)[:, :-1] != 0
    return inside


def sector_anchor(sector: NDArray[np.bool_], spacing: tuple[float, float]) -> NDArray[np.float64]:
    """Point (2,) in mm that poses are measured from: the middle of the sector's uppermost pixels, where the probe is.

    Raises:
        EchoSynthError: the sector is empty.
    """
    if not sector.any():
        raise EchoSynthError("a shape is drawn into an ultrasound sector, got an empty one: check the mask")
    top = int(sector.any(axis=0).argmax())
    depth = max(1, round(0.02 * sector.shape[1]))  # one row of a slanted or curved top is not its middle
    columns = np.flatnonzero(sector[:, top : top + depth].any(axis=1))
    return np.array([0.5 * (columns[0] + columns[-1]) * spacing[0], top * spacing[1]])


def draw_shape(
    points: NDArray[np.float64],
    layout: ShapeLayout,
    table: LabelTable,
    sector: NDArray[np.bool_],
    spacing: tuple[float, float],
) -> NDArray[np.uint8]:
    """Semantic label map of a shape: curves are painted in the layout's order, then everything is cut to the sector.

    Args:
        points: (L, 2), mm from :func:`sector_anchor`.
        layout: curves of the points.
        table: label ids.
        sector: (X, Y), True inside the ultrasound cone.
        spacing: pixel size along x and y, mm.

    Returns:
        (X, Y) ids of the table.
    """
    label = np.full(sector.shape, table.id_of("sector"), np.uint8)
    placed = points + sector_anchor(sector, spacing)
    grid = (sector.shape[0], sector.shape[1])
    for outline in layout.outlines:
        label[fill_polygon(placed[layout.rings[outline.name]], grid, spacing)] = table.id_of(outline.paint)
    label[~sector] = table.id_of("outside")
    return label
