r"""Outlines of breast lesions: smooth ovals that lie flat, and spiculated masses that stand upright.

An outline is star-shaped about its center. In coordinates scaled by the two half axes, its radius is

.. math:: R(\theta) = 1 + \sum_k a_k \cos(k \theta + \phi_k) + \sum_i l_i \exp\left(-\frac{(\theta - \theta_i)^2}{2 w_i^2}\right)

with low harmonics for the body and, in malignant masses, one narrow bump a spicule. Benign lesions are wider than tall,
malignant ones taller than wide, the two signs of margin and orientation in the lexicon of breast ultrasound.

References:
    A. T. Stavros et al., "Solid breast nodules: use of sonography to distinguish between benign and malignant lesions",
    Radiology 1995, https://doi.org/10.1148/radiology.196.1.7784555
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

__all__ = ["Lesion", "LesionClass", "sample_lesions"]

Array = NDArray[np.float64]

_TWO_CYSTS = 0.1
"""Share of benign frames with a second, small lesion."""


class LesionClass(StrEnum):
    """What a frame shows; also the names of the class folders."""

    BENIGN = "benign"
    MALIGNANT = "malignant"
    NORMAL = "normal"


@dataclass(frozen=True)
class Lesion:
    """One lesion.

    Attributes:
        kind: benign or malignant.
        center: lateral position and depth in mm.
        axes: half axes in mm, lateral and in depth.
        waves: (K, 3) order, amplitude and phase of the harmonics.
        spicules: (n, 3) direction in radians, length relative to the radius and angular width in radians.
    """

    kind: LesionClass
    center: tuple[float, float]
    axes: tuple[float, float]
    waves: Array
    spicules: Array

    def reach(self, x: Array, y: Array) -> Array:
        """How far inside points (mm) lie: 1 at the center, 0 on the outline, negative outside."""
        u, v = (x - self.center[0]) / self.axes[0], (y - self.center[1]) / self.axes[1]
        theta = np.arctan2(v, u)
        radius = np.ones_like(theta)
        for order, amplitude, phase in self.waves:
            radius += amplitude * np.cos(order * theta + phase)
        for direction, length, width in self.spicules:
            apart = np.angle(np.exp(1j * (theta - direction)))
            radius += length * np.exp(-0.5 * (apart / width) ** 2)
        return np.asarray(1.0 - np.hypot(u, v) / radius)


def sample_lesions(kind: LesionClass, rng: np.random.Generator) -> tuple[Lesion, ...]:
    """The lesions of a frame: none in a normal one, one in most others, sometimes two benign ones."""
    if kind is LesionClass.NORMAL:
        return ()
    if kind is LesionClass.MALIGNANT:
        return (_malignant(rng),)
    first, second = _benign(rng), rng.random() < _TWO_CYSTS
    if not second:
        return (first,)
    side = -np.sign(first.center[0]) or 1.0
    small = (rng.uniform(2.5, 3.5), rng.uniform(1.5, 2.0))
    place = (side * rng.uniform(13.0, 15.0), rng.uniform(11.0, 25.0))
    return first, Lesion(kind, place, small, _waves(rng, (2, 3), 0.03), np.empty((0, 3)))


def _benign(rng: np.random.Generator) -> Lesion:
    width = rng.uniform(6.0, 9.5)
    axes = (width, width * rng.uniform(0.5, 0.72))
    center = (rng.uniform(-6.0, 6.0), rng.uniform(15.0, 20.0))
    return Lesion(LesionClass.BENIGN, center, axes, _waves(rng, (2, 3), 0.04), np.empty((0, 3)))


def _malignant(rng: np.random.Generator) -> Lesion:
    height = rng.uniform(5.5, 7.5)
    axes = (height * rng.uniform(0.6, 0.75), height)
    center = (rng.uniform(-8.0, 8.0), rng.uniform(15.0, 19.0))
    count = int(rng.integers(9, 15))
    directions = 2.0 * np.pi * (np.arange(count) + rng.uniform(-0.3, 0.3, count)) / count
    spicules = np.stack([directions, rng.uniform(0.2, 0.5, count), rng.uniform(0.06, 0.12, count)], axis=1)
    return Lesion(LesionClass.MALIGNANT, center, axes, _waves(rng, (2, 3, 4, 5), 0.06), spicules)


def _waves(rng: np.random.Generator, orders: tuple[int, ...], amplitude: float) -> Array:
    return np.array([(k, rng.uniform(0.0, amplitude), rng.uniform(0.0, 2.0 * np.pi)) for k in orders])
