r"""Volume of a ventricle from one long-axis view: Simpson's method of disks.

The cavity is cut into :math:`n` disks of equal height :math:`h = L / n` perpendicular to its long axis; with the diameter
:math:`d_i` that the view shows, taken as circular,

.. math:: V = \frac{\pi}{4} \sum_{i=1}^{n} d_i^2 \, h .

The biplane formula of the recommendations, :math:`\frac{\pi}{4} \sum a_i b_i L / 20`, with both views equal. The long axis runs
from the middle of the mitral annulus, where the cavity touches the atrium, to the point of the cavity farthest from it, the
apex; without an atrium it is the principal axis of the cavity. :math:`d_i` is the area of the slice divided by its height, from
pixels divided into sub-pixels.

References:
    Lang et al., Recommendations for Cardiac Chamber Quantification by Echocardiography in Adults, J Am Soc Echocardiogr 2015.
    https://doi.org/10.1016/j.echo.2014.10.003
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from monai_echosynth.errors import EchoSynthError

__all__ = ["DISKS", "DiskVolume", "LongAxis", "area_cm2", "disk_volume"]

DISKS = 20
_SUBPIXELS = 3


class LongAxis(StrEnum):
    """How the long axis was found."""

    ANNULUS_TO_APEX = "annulus to apex"
    PRINCIPAL = "principal axis"


@dataclass(frozen=True)
class DiskVolume:
    """A cavity measured by disks.

    Attributes:
        volume_ml: volume in ml.
        length_cm: length of the long axis inside the cavity in cm.
        axis: how the axis was found.
    """

    volume_ml: float
    length_cm: float
    axis: LongAxis


def area_cm2(mask: NDArray[np.bool_], spacing: tuple[float, float]) -> float:
    """Area of a mask (X, Y) in cm2; ``spacing`` in mm."""
    return float(mask.sum()) * spacing[0] * spacing[1] / 100.0


def disk_volume(
    cavity: NDArray[np.bool_],
    spacing: tuple[float, float],
    atrium: NDArray[np.bool_] | None = None,
    disks: int = DISKS,
) -> DiskVolume:
    """Volume of a cavity by the method of disks.

    Args:
        cavity: (X, Y), True inside.
        spacing: pixel size in mm along x and y.
        atrium: (X, Y) of the atrium behind the valve, for the annulus.
        disks: number of disks.

    Raises:
        EchoSynthError: the cavity is empty, or fewer than one disk is asked for.
    """
    if not cavity.any():
        raise EchoSynthError("a volume needs a cavity, got an empty mask: segment the ventricle in this frame")
    if disks < 1:
        raise EchoSynthError(f"the method of disks needs at least one disk, got {disks}: use {DISKS}")
    step = np.asarray(spacing, np.float64)
    points = np.argwhere(cavity) * step
    annulus = _annulus(cavity, atrium)
    if annulus is None:
        axis, kind = _principal(points), LongAxis.PRINCIPAL
    else:
        base = annulus * step
        axis, kind = points[np.square(points - base).sum(axis=1).argmax()] - base, LongAxis.ANNULUS_TO_APEX
    axis = axis / np.linalg.norm(axis)
    areas, length = _slices(points, step, axis, disks)
    height = length / disks
    volume = np.pi / 4 * float(np.square(areas / height).sum()) * height
    return DiskVolume(volume / 1000.0, length / 10.0, kind)


def _slices(
    points: NDArray[np.float64], step: NDArray[np.float64], axis: NDArray[np.float64], disks: int
) -> tuple[NDArray[np.float64], float]:
    """Areas of equal slices across ``axis`` of the pixels at ``points`` (N, 2), and their length along it, in mm.

    Every sub-pixel is spread evenly over its extent along the axis, so that a slice may end inside a pixel.
    """
    offsets = (np.arange(_SUBPIXELS) + 0.5) / _SUBPIXELS - 0.5
    shifts = np.stack(np.meshgrid(offsets, offsets), axis=-1).reshape(-1, 2) * step
    along = np.sort(((points[:, None, :] + shifts) @ axis).ravel())
    extent = float(np.abs(axis) @ step) / _SUBPIXELS
    edges = np.linspace(along[0] - extent / 2, along[-1] + extent / 2, disks + 1)
    below = [np.clip((edge - along) / extent + 0.5, 0.0, 1.0).sum() for edge in edges]
    return np.diff(below) * float(step.prod()) / _SUBPIXELS**2, float(edges[-1] - edges[0])


def _annulus(cavity: NDArray[np.bool_], atrium: NDArray[np.bool_] | None) -> NDArray[np.float64] | None:
    """Middle of the contact of cavity and atrium, in pixels; None where they do not touch."""
    if atrium is None or not atrium.any():
        return None
    contact = cavity & ndimage.binary_dilation(atrium, np.ones((3, 3), bool), iterations=2)
    return np.argwhere(contact).mean(axis=0) if contact.any() else None


def _principal(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Direction in which the points (N, 2) spread most; depth for a single point."""
    if len(points) < 2:
        return np.array([0.0, 1.0])
    _, vectors = np.linalg.eigh(np.cov(points.T))
    direction: NDArray[np.float64] = vectors[:, -1]
    return direction
