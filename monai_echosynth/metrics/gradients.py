r"""Gray-level gradients inside the sector, and the distance of their distributions.

The gradient is taken by central differences in gray levels (0..255) per mm, at pixels whose neighbors lie in the sector as
well. A set is summed up by the quantile function :math:`Q` of all its magnitudes; the Wasserstein-1 distance of two sets is
:math:`\int_0^1 |Q_a(u) - Q_b(u)|\,du`.

References:
    Villani, "Optimal Transport: Old and New", 2009, remark 6.6 (one dimension). https://doi.org/10.1007/978-3-540-71050-9
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

__all__ = ["Gradient", "image_gradient", "magnitude_quantiles", "quantile_distance"]

QUANTILES = 1000
"""Points of a quantile function, at the middles of equal shares."""


class Gradient(NamedTuple):
    """Gradient of a frame.

    Attributes:
        x: (X, Y), lateral derivative, gray levels per mm.
        y: (X, Y), axial derivative, gray levels per mm.
        valid: (X, Y), where the differences are between pixels of the sector.
    """

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    valid: NDArray[np.bool_]

    @property
    def magnitudes(self) -> NDArray[np.float64]:
        """(n,) lengths of the valid gradients."""
        return np.hypot(self.x[self.valid], self.y[self.valid])


def image_gradient(image: ArrayLike, sector: NDArray[np.bool_], spacing: tuple[float, float]) -> Gradient:
    """Central differences of a frame.

    Args:
        image: (X, Y), intensity in [0, 1].
        sector: (X, Y).
        spacing: size of a pixel along both axes, mm.
    """
    x, y = np.gradient(255.0 * np.asarray(image, dtype=np.float64), *spacing)
    return Gradient(np.asarray(x), np.asarray(y), ndimage.binary_erosion(sector, border_value=0))


def magnitude_quantiles(magnitudes: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Quantile function of all magnitudes of a set, (`QUANTILES`,), ascending.

    Raises:
        ValueError: there is no magnitude.
    """
    values = np.concatenate([np.zeros(0), *magnitudes])
    if not values.size:
        raise ValueError("a distribution of gradients needs at least one pixel inside the sector, got none")
    return np.quantile(values, (np.arange(QUANTILES) + 0.5) / QUANTILES)


def quantile_distance(a: ArrayLike, b: ArrayLike) -> float:
    """Wasserstein-1 distance of two quantile functions of one length, in their unit."""
    return float(np.abs(np.asarray(a, dtype=np.float64) - np.asarray(b, dtype=np.float64)).mean())
