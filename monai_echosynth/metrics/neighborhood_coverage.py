r"""Fidelity and diversity of a generated set from neighborhoods in a feature space.

A ball around every frame reaches to its k-th neighbor in its own set; balls together stand for the support of the law.

- *precision*: share of generated frames inside a real ball; *recall*: share of real frames inside a generated ball.
- *density*: how many real balls hold a generated frame, over k; *coverage*: share of real balls that hold a generated frame.

Precision and recall grow with a single outlier, whose ball is large; density and coverage do not. Density may exceed 1,
and is 1 for a set with itself. Coverage of a second set of the same law and size is expected to be 1 - 2^-k about: .97
for k = 5.

References:
    Kynkaanniemi et al., "Improved Precision and Recall Metric for Assessing Generative Models", 2019.
    https://arxiv.org/abs/1904.06991
    Naeem et al., "Reliable Fidelity and Diversity Metrics for Generative Models", ICML 2020.
    https://arxiv.org/abs/2002.09797
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.distance import cdist

from monai_echosynth.metrics.feature_sets import check_features

__all__ = ["NEIGHBORS", "Neighborhoods", "neighborhood_coverage"]

Array = NDArray[np.float64]

NEIGHBORS = 5
"""Neighbors that a ball reaches to."""

_ROWS = 512


class Neighborhoods(NamedTuple):
    """The four shares; all but ``density`` are in [0, 1]."""

    precision: float
    recall: float
    density: float
    coverage: float


def neighborhood_coverage(real: ArrayLike, generated: ArrayLike, k: int = NEIGHBORS) -> Neighborhoods:
    """Precision, recall, density and coverage of a generated set.

    Args:
        real: (m, d) features of real frames.
        generated: (n, d) features of generated frames.
        k: neighbors that a ball reaches to.

    Raises:
        ValueError: a set has not more than k frames, dimensions differ, or a feature is not finite.
    """
    if k < 1:
        raise ValueError(f"balls must reach to neighbor 1 or a later one, got k = {k}")
    x, y = check_features(real, generated, fewest=k + 1)
    reach_x, reach_y = _reach(x, k), _reach(y, k)
    held = np.zeros(len(y))  # real balls around each generated frame
    recalled, covered = np.zeros(len(x), bool), np.zeros(len(x), bool)
    for start in range(0, len(x), _ROWS):
        part = slice(start, start + _ROWS)
        distances = cdist(x[part], y)
        inside = distances < reach_x[part, None]
        held += inside.sum(axis=0)
        covered[part] = inside.any(axis=1)
        recalled[part] = (distances < reach_y[None]).any(axis=1)
    return Neighborhoods(
        float((held > 0).mean()), float(recalled.mean()), float(held.mean() / k), float(covered.mean())
    )


def _reach(x: Array, k: int) -> Array:
    """(n,) distance to the k-th neighbor, the frame itself not counted."""
    found = [np.partition(cdist(x[i : i + _ROWS], x), k, axis=1)[:, k] for i in range(0, len(x), _ROWS)]
    return np.concatenate(found)
