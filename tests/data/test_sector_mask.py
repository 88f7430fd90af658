"""Sector: black cavities, noise, the hull against SciPy, real frames."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.spatial import ConvexHull, Delaunay

from monai_echosynth.data.discover import discover
from monai_echosynth.data.read_frame import load_frame
from monai_echosynth.data.sector_mask import ScanGeometry, convex_hull, sector_mask
from monai_echosynth.errors import EchoSynthError
from tests.helpers.echo_frames import frame, sector


def test_black_cavity_is_inside_and_the_sector_is_found() -> None:
    image, label = frame()
    found = sector_mask(image)
    assert found[label == 1].all()
    assert np.array_equal(found, convex_hull(sector()))
    assert (found ^ sector()).mean() < 0.01


def test_text_outside_the_sector_is_not_part_of_it() -> None:
    image, _ = frame()
    expected = sector_mask(image)
    image[0:4, 0:3] = 255
    assert np.array_equal(sector_mask(image), expected)


def test_compression_noise_along_the_edge_is_not_part_of_it() -> None:
    image, _ = frame(shape=(96, 80))
    expected = sector_mask(image)
    rng = np.random.default_rng(1)
    from scipy import ndimage

    ring = ndimage.binary_dilation(expected, iterations=3) & ~expected
    noisy = image.copy()
    noisy[ring] = rng.integers(1, 6, int(ring.sum()))
    assert np.array_equal(sector_mask(noisy), expected)


def test_dark_but_clean_edges_stay_inside() -> None:
    image = np.where(sector(), 1, 0).astype(np.uint8)
    image[20:28, 15:30] = 255
    assert sector_mask(image, floor=0).sum() >= sector().sum()


def test_free_geometry_keeps_a_concave_outline() -> None:
    image = np.full((30, 30), 200, np.uint8)
    image[10:20, :8] = 0
    image[14, 20] = 0
    free = sector_mask(image, ScanGeometry.FREE)
    assert not free[15, 3]
    assert free[14, 20]
    assert sector_mask(image)[15, 3]


@pytest.mark.parametrize("seed", range(5))
def test_hull_equals_scipys(seed: int) -> None:
    rng = np.random.default_rng(seed)
    mask = np.zeros((25, 21), bool)
    mask[tuple(rng.integers(0, (25, 21), (12, 2)).T)] = True
    points = np.argwhere(mask)
    corners = Delaunay(points[ConvexHull(points).vertices])
    grid = np.argwhere(np.ones_like(mask))
    assert np.array_equal(convex_hull(mask).ravel(), corners.find_simplex(grid, tol=1e-9) >= 0)


def test_a_black_frame_is_refused() -> None:
    with pytest.raises(EchoSynthError, match="sector"):
        sector_mask(np.zeros((8, 8)))


def test_sectors_of_real_frames_are_plausible(camus: Path) -> None:
    records = discover(camus)[::40]
    for record in records:
        loaded = load_frame(record)
        assert loaded.label is not None
        found = sector_mask(loaded.image)
        assert 0.5 < found.mean() < 0.63
        assert not (loaded.image[~found] > 0).any()
        assert (loaded.label[~found] > 0).sum() < 0.16 * (loaded.label > 0).sum()


def test_sectors_of_lossy_copies_are_as_tight(camus: Path) -> None:
    views = camus.parent / "camus_views"
    if not views.is_dir():
        pytest.skip("no camus_views beside the real frames")
    for record in discover(views)[::30]:
        image = load_frame(record).image
        found = sector_mask(image)
        assert 0.3 < found.mean() < 0.5
        assert (image[~found] > 0.15 * image.max()).mean() < 1e-3
