"""Counts by hand, distances by brute force over all pairs of outline pixels, and agreement with MONAI."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from monai.metrics import compute_hausdorff_distance
from numpy.typing import NDArray

from monai_echosynth.metrics.overlap import confusion
from monai_echosynth.metrics.surface import outline, surface_distances

SPACING = (0.5, 1.75)


def _random_masks(seed: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    rng = np.random.default_rng(seed)
    return rng.random((9, 7)) < 0.45, rng.random((9, 7)) < 0.35


def _edge_pixels(mask: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Outline by definition: a pixel of the mask with a 4-neighbor that is not of the mask."""

    def inside(x: int, y: int) -> bool:
        return 0 <= x < mask.shape[0] and 0 <= y < mask.shape[1] and bool(mask[x, y])

    pixels = itertools.product(range(mask.shape[0]), range(mask.shape[1]))
    steps = ((1, 0), (-1, 0), (0, 1), (0, -1))
    return [(x, y) for x, y in pixels if inside(x, y) and not all(inside(x + i, y + j) for i, j in steps)]


def _brute_force(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> tuple[float, float, float]:
    edge_a, edge_b = _edge_pixels(a), _edge_pixels(b)

    def directed(source: list[tuple[int, int]], target: list[tuple[int, int]]) -> list[float]:
        return [min(math.hypot((p[0] - q[0]) * SPACING[0], (p[1] - q[1]) * SPACING[1]) for q in target) for p in source]

    forth, back = directed(edge_a, edge_b), directed(edge_b, edge_a)
    hd95 = max(float(np.percentile(forth, 95)), float(np.percentile(back, 95)))
    return max(forth + back), hd95, sum(forth + back) / len(forth + back)


def test_counts_by_hand() -> None:
    prediction = np.array([[1, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 1]], bool)
    reference = np.array([[1, 0, 0, 0], [1, 1, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]], bool)
    counts = confusion(prediction, reference)
    assert counts == (2, 2, 1, 11)
    assert counts.dice == pytest.approx(4 / 7)
    assert counts.iou == pytest.approx(2 / 5)


def test_absent_in_both_is_nan_and_absent_in_one_is_zero() -> None:
    none, some = np.zeros((3, 3), bool), np.eye(3, dtype=bool)
    assert math.isnan(confusion(none, none).dice)
    assert math.isnan(confusion(none, none).iou)
    assert confusion(none, some).dice == 0.0
    assert all(math.isnan(value) for value in surface_distances(none, none, SPACING))


def test_a_missed_structure_is_as_far_away_as_the_picture_is_large() -> None:
    none, corner = np.zeros((9, 7), bool), np.zeros((9, 7), bool)
    corner[0, 0] = True
    diagonal = math.hypot(9 * SPACING[0], 7 * SPACING[1])
    for masks in ((none, corner), (corner, none)):
        assert surface_distances(*masks, SPACING) == pytest.approx((diagonal,) * 3)
    farthest = corner[::-1, ::-1]
    assert surface_distances(corner, farthest, SPACING).hd < diagonal


@pytest.mark.parametrize("seed", range(8))
def test_distances_equal_brute_force(seed: int) -> None:
    masks = _random_masks(seed)
    assert sorted(zip(*np.nonzero(outline(masks[0])), strict=True)) == _edge_pixels(masks[0])
    assert surface_distances(*masks, SPACING) == pytest.approx(_brute_force(*masks), rel=1e-12)


@pytest.mark.filterwarnings("ignore:.*always_return_as_numpy.*:FutureWarning")
@pytest.mark.parametrize("percentile", [None, 95.0])
def test_hausdorff_agrees_with_monai(percentile: float | None) -> None:
    shapes = np.zeros((2, 30, 40), bool)
    shapes[0, 5:20, 8:30] = True
    shapes[1, 8:26, 4:22] = True
    tensors = [torch.from_numpy(mask)[None, None].float() for mask in shapes]
    expected = compute_hausdorff_distance(*tensors, percentile=percentile, spacing=list(SPACING)).item()
    distances = surface_distances(shapes[0], shapes[1], SPACING)
    assert (distances.hd if percentile is None else distances.hd95) == pytest.approx(expected, rel=1e-5)


def test_distance_is_in_millimeters_along_each_axis() -> None:
    first, second = np.zeros((20, 20), bool), np.zeros((20, 20), bool)
    first[4, 4] = second[7, 4] = True
    assert surface_distances(first, second, SPACING).hd == pytest.approx(1.5)
    assert surface_distances(first.T, second.T, SPACING).assd == pytest.approx(5.25)


@pytest.mark.parametrize("spacing", [(1.0,), (1.0, 0.0), (1.0, -2.0)])
def test_spacing_must_be_positive(spacing: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="2 positive numbers in mm"):
        surface_distances(np.eye(3, dtype=bool), np.eye(3, dtype=bool), spacing)


def test_shapes_must_agree() -> None:
    with pytest.raises(ValueError, match="one shape"):
        confusion(np.zeros((2, 2), bool), np.zeros((2, 3), bool))
    with pytest.raises(ValueError, match="one shape"):
        surface_distances(np.zeros((2, 2), bool), np.zeros((2, 3), bool), SPACING)
