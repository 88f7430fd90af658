"""Scan geometry: the picture holds the sector exactly and scan conversion inverts the beam map."""

from __future__ import annotations

import numpy as np
import pytest

from monai_echosynth.data.phantom.geometry import ScanGeometry, scan_convert


@pytest.mark.parametrize("opening", [75.0, 90.0])
def test_sector_fills_the_picture_and_has_its_area(opening: float) -> None:
    geometry = ScanGeometry(opening, 150.0)
    grid = geometry.cartesian(256)
    inside = geometry.inside(grid.x, grid.y)
    area = inside.sum() * grid.spacing**2
    assert area == pytest.approx(geometry.half_angle * 150.0**2, rel=0.01)
    assert inside.any(axis=1).mean() > 0.99
    assert inside[:, -1].any() and not inside[0, 0]


def test_scan_conversion_reproduces_a_smooth_field() -> None:
    geometry = ScanGeometry(80.0, 160.0)
    beams, grid = geometry.polar(160, 512), geometry.cartesian(200)

    def field(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.sin(x / 25.0) + np.cos(y / 30.0)

    picture = scan_convert(field(*beams.cartesian()), beams, grid)
    inside = geometry.inside(grid.x, grid.y)
    assert np.abs(picture - field(grid.x, grid.y))[inside].max() < 1e-2
