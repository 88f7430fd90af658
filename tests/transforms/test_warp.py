"""The warp: it never folds, and each parameter does what its name says."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from monai_echosynth.errors import EchoSynthError
from monai_echosynth.transforms.warp_field import affine_matrix, sampling_map
from monai_echosynth.transforms.warp_parameters import WarpLimits, WarpParameters, draw_warp, gradient_bound

STILL = np.zeros((2, 3, 3))


def jacobian(warp: WarpParameters, size: int = 64, extent: tuple[float, float] = (1.4, 1.0)) -> torch.Tensor:
    """Determinants by central differences, in fractions of the image."""
    gradient_x, gradient_y = torch.gradient(sampling_map(warp, (size, size), extent).double() * size, dim=(1, 2))
    inner = (slice(2, -2), slice(2, -2))
    return (gradient_x[0] * gradient_y[1] - gradient_y[0] * gradient_x[1])[inner]


def test_no_draw_folds_and_the_bound_holds() -> None:
    rng = np.random.default_rng(0)
    limits = WarpLimits(rotation=20, shear=20, scale=(0.5, 1.6), elastic=0.95)
    for _ in range(100):
        warp = draw_warp(rng, limits)
        strength = gradient_bound(warp.elastic)
        assert strength <= 0.95 + 1e-9
        least = float(np.linalg.det(affine_matrix(warp))) * (1 - strength) ** 2
        assert float(jacobian(warp).min()) > max(0.98 * least, 0.0)


def test_gradient_bound_exceeds_the_measured_gradient() -> None:
    rng = np.random.default_rng(1)
    grid = np.linspace(0, 1, 200)
    for _ in range(50):
        weights = rng.normal(size=(2, 3, 3))
        basis = np.cos(np.arange(3)[:, None] * np.pi * grid)
        field = np.einsum("cmn,mx,ny->cxy", weights, basis, basis)
        slopes = np.stack(np.gradient(field, grid, grid, axis=(1, 2)))
        norms = np.linalg.norm(slopes.transpose(2, 3, 0, 1), ord=2, axis=(2, 3))
        assert norms.max() <= gradient_bound(weights) * 1.001


def test_limits_that_could_fold_are_refused() -> None:
    for limits in ({"elastic": 1.0}, {"scale": (0.0, 1.0)}, {"scale": (1.2, 1.0)}, {"rotation": 60.0}, {"shift": -0.1}):
        with pytest.raises(EchoSynthError):
            WarpLimits(**limits)


def test_the_identity_samples_pixel_centers() -> None:
    positions = sampling_map(WarpParameters(0.0, 0.0, 1.0, 0.0, STILL), (4, 5))
    assert torch.allclose(positions[0, :, 0], (torch.arange(4) + 0.5) / 4)
    assert torch.allclose(positions[1, 0], (torch.arange(5) + 0.5) / 5)


def test_scale_and_shift_move_the_anatomy_as_named() -> None:
    positions = sampling_map(WarpParameters(0.0, 0.1, 0.5, 0.0, STILL), (101, 101))
    assert float(positions[1, 50, 60]) == pytest.approx(
        0.505 - 0.01 / 0.5 * 0.0 + (0.605 - 0.6 - 0.005) / 0.5, abs=2e-2
    )
    assert float(positions[0, 75, 50] - positions[0, 50, 50]) == pytest.approx(2 * 25 / 101, abs=1e-4)


def test_rotation_is_rigid_in_millimeters_on_a_squeezed_grid() -> None:
    extent = (2.0, 1.0)
    matrix = affine_matrix(WarpParameters(0.3, 0.0, 1.0, 0.0, STILL), extent)
    physical = np.diag(extent) @ matrix @ np.linalg.inv(np.diag(extent))
    assert np.allclose(physical @ physical.T, np.eye(2))


def test_draws_repeat_with_both_generators() -> None:
    for make in (np.random.default_rng, np.random.RandomState):
        one, two = draw_warp(make(3), WarpLimits()), draw_warp(make(3), WarpLimits())
        assert one.rotation == two.rotation
        assert np.array_equal(one.elastic, two.elastic)


def test_draws_stay_in_the_limits() -> None:
    rng = np.random.default_rng(5)
    draws = [draw_warp(rng, WarpLimits()) for _ in range(300)]
    assert max(abs(np.rad2deg(warp.rotation)) for warp in draws) == pytest.approx(5, abs=0.2)
    assert max(abs(np.rad2deg(np.arctan(warp.shear))) for warp in draws) == pytest.approx(5, abs=0.2)
    assert max(abs(warp.shift) for warp in draws) == pytest.approx(0.05, abs=0.002)
    assert min(warp.scale for warp in draws) == pytest.approx(0.8, abs=0.01)
    assert max(warp.scale for warp in draws) == pytest.approx(1.05, abs=0.01)
