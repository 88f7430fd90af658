"""Parameters of one random warp and how they are drawn (SPEC section 2): rotation, shift, scale, shear, smooth elastic part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from monai_echosynth.errors import EchoSynthError

__all__ = ["ELASTIC_MODES", "UniformSource", "WarpLimits", "WarpParameters", "draw_warp", "gradient_bound"]

ELASTIC_MODES = 3
"""Cosine modes per axis of the elastic part: 0, 1, 2 half waves over the image."""


class UniformSource(Protocol):
    """What ``numpy.random.Generator`` and ``RandomState`` have in common here."""

    def uniform(self, low: float, high: float, size: int | None = None) -> NDArray[np.float64] | float:
        """Uniform draws in [low, high)."""


@dataclass(frozen=True)
class WarpLimits:
    """Ranges of the random warp.

    Attributes:
        rotation: largest angle either way, degrees.
        shift: largest displacement in depth either way, fraction of the image.
        scale: smallest and largest magnification.
        shear: largest x-shear either way, degrees.
        elastic: largest stretch of the elastic part, the bound on its displacement gradient; 0 switches it off.

    Raises:
        EchoSynthError: a range would let the warp fold.
    """

    rotation: float = 5.0
    shift: float = 0.05
    scale: tuple[float, float] = (0.8, 1.05)
    shear: float = 5.0
    elastic: float = 0.35

    def __post_init__(self) -> None:
        low, high = self.scale
        if not 0.0 < low <= high:
            raise EchoSynthError(f"scale must be two positive rising numbers, got {self.scale}: use (0.8, 1.05), say")
        if min(self.rotation, self.shift, self.shear, self.elastic) < 0.0 or max(self.rotation, self.shear) > 45.0:
            raise EchoSynthError(f"warp limits must be in 0..45 degrees and not negative, got {self}: lower them")
        if self.elastic >= 1.0:
            raise EchoSynthError(f"elastic must stay below 1 or the warp may fold, got {self.elastic}: lower it")


@dataclass(frozen=True)
class WarpParameters:
    """One warp of the anatomy: shear, scale, rotation about the center, shift, then the elastic part.

    Attributes:
        rotation: radians.
        shift: fraction of the image in depth, positive moves the anatomy deeper.
        scale: magnification of the anatomy.
        shear: tangent of the x-shear angle.
        elastic: (2, M, M) cosine coefficients of the displacement, in fractions of the image.
    """

    rotation: float
    shift: float
    scale: float
    shear: float
    elastic: NDArray[np.float64]


def draw_warp(source: UniformSource, limits: WarpLimits) -> WarpParameters:
    """Draws one warp; the elastic part has a random strength up to the bound ``limits.elastic`` on its gradient."""
    rotation = float(np.deg2rad(source.uniform(-limits.rotation, limits.rotation)))
    shift = float(source.uniform(-limits.shift, limits.shift))
    scale = float(source.uniform(*limits.scale))
    shear = float(np.tan(np.deg2rad(source.uniform(-limits.shear, limits.shear))))
    weights = np.reshape(source.uniform(-1.0, 1.0, 2 * ELASTIC_MODES**2), (2, ELASTIC_MODES, ELASTIC_MODES))
    weights[:, 0, 0] = 0.0
    strength = limits.elastic * float(source.uniform(0.0, 1.0))
    return WarpParameters(rotation, shift, scale, shear, weights * (strength / max(gradient_bound(weights), 1e-9)))


def gradient_bound(elastic: NDArray[np.float64]) -> float:
    r"""Upper bound of the operator norm of the displacement gradient, everywhere in the image.

    With :math:`u_c = \sum_{mn} a_{cmn} \cos(m \pi x) \cos(n \pi y)`, :math:`|\partial_x u_c| \le \sum |a_{cmn}| m \pi` and
    likewise in y; the Frobenius norm of these four numbers bounds the operator norm.
    """
    modes = np.arange(elastic.shape[-1]) * np.pi
    magnitude = np.abs(elastic)
    along_x = np.einsum("cmn,m->c", magnitude, modes)
    along_y = np.einsum("cmn,n->c", magnitude, modes)
    return float(np.sqrt((along_x**2 + along_y**2).sum()))
