r"""Gray levels inside the ultrasound sector and the Gamma law that describes them.

The autoencoder's prior is the law of the in-sector intensity, Gamma(concentration c, rate r) with density
:math:`p(x) = r^c x^{c-1} e^{-rx} / \Gamma(c)`. Its maximum-likelihood fit has :math:`r = c / \bar x` and the
concentration that solves :math:`\ln c - \psi(c) = \ln \bar x - \overline{\ln x}`, found by Newton's method from
Minka's closed-form start.

References:
    Minka, "Estimating a Gamma distribution", 2002, https://tminka.github.io/papers/minka-gamma.pdf
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

__all__ = [
    "GammaFit",
    "IntensityHistogram",
    "fit_gamma",
    "gamma_density",
    "histogram_distance",
    "intensity_histogram",
]

FLOOR = 0.5 / 255.0
"""Half a gray level of an 8-bit frame: where a pixel that was rounded to 0 is placed before a logarithm."""


class GammaFit(NamedTuple):
    """Parameters of a Gamma law.

    Attributes:
        concentration: Shape, positive, no unit.
        rate: Inverse scale, positive, in 1 / intensity.
    """

    concentration: float
    rate: float


class IntensityHistogram(NamedTuple):
    """A normalized histogram.

    Attributes:
        edges: Bin edges, (bins + 1,), intensity in [0, 1].
        density: Probability density a bin, (bins,); its integral is 1.
    """

    edges: NDArray[np.float64]
    density: NDArray[np.float64]


def fit_gamma(values: ArrayLike, floor: float = FLOOR) -> GammaFit:
    """Fits a Gamma law by maximum likelihood.

    Args:
        values: Any shape, non-negative, finite.
        floor: Values below it are raised to it, since the likelihood of an exact zero is degenerate; 0 forbids zeros.

    Returns:
        Concentration and rate.

    Raises:
        ValueError: If fewer than two values are given, one is not finite or positive, or all are equal.
    """
    x = np.maximum(np.asarray(values, dtype=np.float64).ravel(), floor)
    if x.size < 2 or not np.isfinite(x).all() or x.min() <= 0:
        raise ValueError(f"a Gamma fit needs at least two finite positive values, received {x.size} values")
    mean = float(x.mean())
    spread = float(np.log(mean) - np.log(x).mean())
    if spread < 1e-12:
        raise ValueError("a Gamma fit needs values that differ, all received values are equal")
    c = (3.0 - spread + np.sqrt((spread - 3.0) ** 2 + 24.0 * spread)) / (12.0 * spread)
    for _ in range(50):
        step = (np.log(c) - special.digamma(c) - spread) / (1.0 / c - special.polygamma(1, c))
        c = max(c - step, c * 0.1)
        if abs(step) < 1e-12 * c:
            break
    return GammaFit(float(c), float(c) / mean)


def gamma_density(x: ArrayLike, fit: GammaFit) -> NDArray[np.float64]:
    """Evaluates the Gamma density at `x` (any shape, non-negative)."""
    return np.asarray(stats.gamma.pdf(np.asarray(x, dtype=np.float64), fit.concentration, scale=1.0 / fit.rate))


def intensity_histogram(values: ArrayLike, bins: int = 64) -> IntensityHistogram:
    """Counts in-sector intensities.

    Args:
        values: Any shape, intensity in [0, 1], already restricted to the sector.
        bins: Number of equal bins over [0, 1].

    Returns:
        Edges and density.

    Raises:
        ValueError: If no value is given.
    """
    x = np.clip(np.asarray(values, dtype=np.float64).ravel(), 0.0, 1.0)
    if x.size == 0:
        raise ValueError("a histogram needs at least one in-sector pixel, received none")
    density, edges = np.histogram(x, bins=bins, range=(0.0, 1.0), density=True)
    return IntensityHistogram(edges, density)


def histogram_distance(a: IntensityHistogram, b: IntensityHistogram) -> float:
    """Wasserstein-1 distance of two histograms, in units of intensity (0 for equal ones, at most 1)."""
    centers = (0.5 * (h.edges[1:] + h.edges[:-1]) for h in (a, b))
    return float(stats.wasserstein_distance(*centers, a.density, b.density))
