r"""Generalized Procrustes alignment of planar shapes.

With the points as complex numbers :math:`z = x + iy` and centered, the rotation (and scale) that brings :math:`z` nearest to
:math:`m` in the sum of squares is the complex factor

.. math:: a = \frac{\langle z, m \rangle}{\langle z, z \rangle}, \qquad \langle z, m \rangle = \sum_l \bar z_l m_l,

of which a rigid alignment keeps the direction :math:`a / |a|` only, so that size stays in the shape, in mm. The mean and the
alignments are improved in turn until the mean stands still.

References:
    Gower, "Generalized Procrustes analysis". https://doi.org/10.1007/BF02291478
    Dryden and Mardia, "Statistical Shape Analysis", 2nd edition, chapters 4 and 7. https://doi.org/10.1002/9781119072492
"""

from __future__ import annotations

from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

__all__ = ["Alignment", "align", "generalized_procrustes", "place"]

Array = NDArray[np.float64]


class Alignment(StrEnum):
    """What is taken out of the shapes and becomes pose."""

    RIGID = "rigid"
    """Position and rotation; size is a part of the shape and stays in mm."""
    SIMILARITY = "similarity"
    """Position, rotation and size."""


def align(shape: Array, mean: Array, alignment: Alignment = Alignment.RIGID) -> tuple[Array, Array]:
    """Brings one shape as near as possible to a centered mean.

    Args:
        shape: (L, 2), mm.
        mean: (L, 2), centered.
        alignment: what may be changed.

    Returns:
        The aligned shape (L, 2) and its pose (4,): x and y of the center in mm, angle in radians, natural logarithm of the size;
        :func:`place` undoes the alignment.
    """
    z = shape[:, 0] + 1j * shape[:, 1]
    center = z.mean()
    z = z - center
    factor = np.vdot(z, mean[:, 0] + 1j * mean[:, 1]) / np.vdot(z, z).real
    if alignment is Alignment.RIGID:
        factor = factor / abs(factor)
    turned = z * factor
    pose = np.array([center.real, center.imag, -np.angle(factor), -np.log(abs(factor))])
    return np.stack([turned.real, turned.imag], axis=1), pose


def place(shape: Array, pose: Array) -> Array:
    """Puts an aligned shape (L, 2) back to where the pose (4,) says."""
    z = (shape[:, 0] + 1j * shape[:, 1]) * np.exp(pose[3] + 1j * pose[2]) + (pose[0] + 1j * pose[1])
    return np.stack([z.real, z.imag], axis=1)


def generalized_procrustes(
    shapes: Array, alignment: Alignment = Alignment.RIGID, tolerance: float = 1e-6, limit: int = 100
) -> tuple[Array, Array, Array]:
    """Aligns shapes to their common mean.

    Args:
        shapes: (N, L, 2), mm.
        alignment: what is taken out.
        tolerance: largest movement of a mean point at which the iteration ends, mm.
        limit: largest number of rounds.

    Returns:
        Mean (L, 2), centered, turned as the shapes are on average and of their average size; aligned shapes (N, L, 2); poses
        (N, 4).
    """
    centered = shapes - shapes.mean(axis=1, keepdims=True)
    size = float(np.sqrt(np.mean(np.sum(centered**2, axis=(1, 2)))))
    mean = centered.mean(axis=0)
    for _ in range(limit):
        if alignment is Alignment.SIMILARITY:
            mean = mean * size / np.sqrt(np.sum(mean**2))
        aligned = [align(shape, mean, alignment) for shape in shapes]
        angle = float(np.angle(np.mean([np.exp(1j * pose[2]) for _, pose in aligned])))
        renewed = place(np.mean([shape for shape, _ in aligned], axis=0), np.array([0.0, 0.0, angle, 0.0]))
        if alignment is Alignment.SIMILARITY:
            renewed = renewed * size / np.sqrt(np.sum(renewed**2))
        moved, mean = float(np.abs(renewed - mean).max()), renewed
        if moved < tolerance:
            break
    pairs = [align(shape, mean, alignment) for shape in shapes]
    return mean, np.stack([shape for shape, _ in pairs]), np.stack([pose for _, pose in pairs])
