"""Tracing, resampling and drawing of closed curves against closed forms."""

from __future__ import annotations

import numpy as np
import pytest

from monai_echosynth.data.shapes.contours import arc_length, largest_region, polygon_area, resample, trace
from monai_echosynth.data.shapes.rasterize import fill_polygon, sector_anchor
from monai_echosynth.errors import EchoSynthError

SPACING = (0.5, 2.0)


def test_a_rectangle_has_its_own_area_and_turns_counterclockwise() -> None:
    mask = np.zeros((12, 9), bool)
    mask[2:7, 3:8] = True
    contour = trace(mask)
    assert len(contour) == 20
    corners = (contour.corners - 0.5) * SPACING
    assert polygon_area(corners) == pytest.approx(25 * SPACING[0] * SPACING[1])
    inner, outer = contour.sides(mask)
    assert inner.all() and not outer.any()


def test_a_region_that_meets_itself_at_a_corner_is_followed_around() -> None:
    mask = np.zeros((6, 6), bool)
    mask[1, 1:4] = mask[2, 1] = mask[3, 1:4] = True  # a U whose arms meet the middle at corners only
    mask[4, 3] = mask[4, 4] = True
    contour = trace(mask)
    assert polygon_area(contour.corners.astype(float)) == mask.sum()


def test_touching_regions_share_their_border_to_the_last_bit() -> None:
    height = np.random.default_rng(1).integers(3, 9, 15)
    upper = np.arange(12)[None] < height[:, None]
    first, second = trace(upper), trace(~upper)
    middles = [{tuple(point) for point in contour.polyline(0, 0, SPACING)[1:-1]} for contour in (first, second)]
    border = int(15 + np.abs(np.diff(height)).sum())
    assert len(middles[0] & middles[1]) == border


def test_the_curve_of_a_disc_has_the_circumference_not_that_of_the_staircase() -> None:
    x, y = np.mgrid[:101, :101]
    curve = trace(np.hypot(x - 50, y - 50) < 40).polyline(0, 0, (1.0, 1.0))
    assert arc_length(curve)[-1] == pytest.approx(2 * np.pi * 40, rel=0.06)  # the staircase is longer by 27 %
    points = resample(curve, 50)
    steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
    assert steps.std() < 0.05 * steps.mean()
    assert np.abs(np.hypot(*(points - 50).T) - 40).max() < 1.0


def test_only_the_largest_piece_counts_and_holes_are_filled() -> None:
    mask = np.zeros((10, 10), bool)
    mask[1:6, 1:6] = True
    mask[3, 3] = False
    mask[8, 8] = True
    assert largest_region(mask).sum() == 25
    with pytest.raises(ValueError, match="empty mask"):
        trace(np.zeros((3, 3), bool))


def test_a_disc_is_drawn_with_its_area() -> None:
    angle = np.linspace(0, 2 * np.pi, 200, endpoint=False)
    ring = np.stack([30 + 20 * np.cos(angle), 40 + 20 * np.sin(angle)], axis=1)
    for points in (ring, ring[::-1]):
        area = fill_polygon(points, (120, 40), SPACING).sum() * SPACING[0] * SPACING[1]
        assert area == pytest.approx(np.pi * 400, rel=0.02)


def test_pixels_are_inside_by_their_centers() -> None:
    square = np.array([(1.6, 1.6), (4.4, 1.6), (4.4, 3.4), (1.6, 3.4)])
    drawn = fill_polygon(square, (8, 6), (1.0, 1.0))
    expected = np.zeros((8, 6), bool)
    expected[2:5, 2:4] = True
    assert np.array_equal(drawn, expected)


@pytest.mark.parametrize("seed", range(5))
def test_curves_that_share_points_tile_the_plane(seed: int) -> None:
    generator = np.random.default_rng(seed)
    shared = np.stack([np.sort(generator.uniform(-3, 60, 40)), generator.integers(10, 40, 40) * 0.8], axis=1)
    shared[[0, -1], 0] = -5, 65
    below = np.concatenate([shared, [(65, -9), (-5, -9)]])
    above = np.concatenate([shared[::-1], [(-5, 99), (65, 99)]])
    grid, spacing = (80, 70), (0.7, 0.8)
    for shift in (0.0, 0.1):  # without a shift many crossings fall on pixel centers
        drawn = [fill_polygon(points + shift, grid, spacing).astype(int) for points in (below, above)]
        assert (drawn[0] + drawn[1] == 1).all()


def test_a_curve_that_crosses_itself_leaves_no_hole() -> None:
    angle = np.linspace(0, 4 * np.pi, 101)[:-1]
    twice = np.stack([20 + 10 * np.cos(angle), 20 + 10 * np.sin(angle)], axis=1)
    assert np.array_equal(fill_polygon(twice, (40, 40), (1.0, 1.0)), fill_polygon(twice[:50], (40, 40), (1.0, 1.0)))


def test_the_anchor_is_the_probe() -> None:
    sector = np.zeros((100, 60), bool)
    x, y = np.mgrid[:100, :60]
    sector[(np.abs(x - 40) <= y - 5) & (y >= 5)] = True
    assert sector_anchor(sector, SPACING) == pytest.approx([40 * 0.5, 5 * 2.0])
    with pytest.raises(EchoSynthError, match="empty"):
        sector_anchor(np.zeros((4, 4), bool), SPACING)
