"""Disks against closed forms: circle, sphere, ellipsoids at any angle and on any grid."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from monai_echosynth.errors import EchoSynthError
from monai_echosynth.metrics.method_of_disks import LongAxis, area_cm2, disk_volume

Bools = NDArray[np.bool_]


def ellipse(spacing: tuple[float, float], half: tuple[float, float], angle: float = 0.0) -> Bools:
    """Ellipse with half axes ``half`` in mm along x and y, turned by ``angle`` degrees, in the middle of 120 mm."""
    shape = tuple(round(120 / step) for step in spacing)
    x, y = np.meshgrid(*[(np.arange(n) + 0.5) * s - 60 for n, s in zip(shape, spacing, strict=True)], indexing="ij")
    turn = np.deg2rad(angle)
    u, v = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
    inside: Bools = (u / half[0]) ** 2 + (v / half[1]) ** 2 <= 1
    return inside


@pytest.mark.parametrize("spacing", [(0.3, 0.3), (0.5, 0.25), (0.4, 0.9)])
def test_area_of_a_circle(spacing: tuple[float, float]) -> None:
    assert area_cm2(ellipse(spacing, (25, 25)), spacing) == pytest.approx(np.pi * 2.5**2, rel=0.01)


@pytest.mark.parametrize("spacing", [(0.3, 0.3), (0.5, 0.25), (0.8, 0.8)])
def test_sphere(spacing: tuple[float, float]) -> None:
    found = disk_volume(ellipse(spacing, (25, 25)), spacing)
    assert found.volume_ml == pytest.approx(4 / 3 * np.pi * 2.5**3, rel=0.015)
    assert found.length_cm == pytest.approx(5.0, rel=0.02)


@pytest.mark.parametrize("angle", [0, 20, 45, -70, 90])
def test_ellipsoid_at_any_angle(angle: float) -> None:
    spacing = (0.4, 0.3)
    found = disk_volume(ellipse(spacing, (20, 45), angle), spacing)
    assert found.axis is LongAxis.PRINCIPAL
    assert found.volume_ml == pytest.approx(4 / 3 * np.pi * 2.0 * 2.0 * 4.5, rel=0.015)
    assert found.length_cm == pytest.approx(9.0, rel=0.02)


def test_annulus_sets_the_axis() -> None:
    spacing = (0.3, 0.3)
    cavity = ellipse(spacing, (20, 40))
    depth = (np.arange(cavity.shape[1]) + 0.5) * spacing[1] - 60
    cavity &= depth <= 25  # cut off at the valve plane
    atrium = ellipse(spacing, (18, 50)) & (depth > 25)
    found = disk_volume(cavity, spacing, atrium)
    assert found.axis is LongAxis.ANNULUS_TO_APEX
    assert found.length_cm == pytest.approx(6.5, rel=0.02)
    z = np.array([-4.0, 2.5])  # integral of pi (2 cm)^2 (1 - z^2 / (4 cm)^2)
    primitive = np.pi * 4 * (z - z**3 / 48)
    assert found.volume_ml == pytest.approx(primitive[1] - primitive[0], rel=0.015)


def test_atrium_elsewhere_does_not_matter() -> None:
    spacing = (0.5, 0.5)
    cavity = ellipse(spacing, (15, 20))
    apart = np.zeros_like(cavity)
    apart[:3, :3] = True
    assert disk_volume(cavity, spacing, apart) == disk_volume(cavity, spacing)


def test_more_disks_converge() -> None:
    spacing = (0.1, 0.1)
    truth = 4 / 3 * np.pi * 2.0 * 2.0 * 3.0
    cavity = ellipse(spacing, (20, 30))
    errors = [abs(disk_volume(cavity, spacing, disks=disks).volume_ml / truth - 1) for disks in (3, 8, 20)]
    assert errors[0] > errors[1] > errors[2]


def test_one_pixel() -> None:
    cavity = np.zeros((5, 5), bool)
    cavity[2, 2] = True
    assert disk_volume(cavity, (1.0, 1.0)).volume_ml == pytest.approx(np.pi / 4 / 1000)


def test_nothing_to_measure() -> None:
    with pytest.raises(EchoSynthError, match="empty mask: segment"):
        disk_volume(np.zeros((4, 4), bool), (1.0, 1.0))
    with pytest.raises(EchoSynthError, match="at least one disk, got 0"):
        disk_volume(np.ones((4, 4), bool), (1.0, 1.0), disks=0)
