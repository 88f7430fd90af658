"""Two sets of features (m, d) and (n, d): what every distance between them asks of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["check_features", "standardized"]

Array = NDArray[np.float64]


def check_features(real: ArrayLike, generated: ArrayLike, fewest: int) -> tuple[Array, Array]:
    """Both sets in double precision.

    Args:
        real: (m, d).
        generated: (n, d).
        fewest: frames that each set must have.

    Raises:
        ValueError: a set has fewer, dimensions differ, or a feature is NaN or infinite.
    """
    x, y = np.asarray(real, dtype=np.float64), np.asarray(generated, dtype=np.float64)
    if x.ndim != 2 or y.ndim != 2 or x.shape[1] != y.shape[1] or min(len(x), len(y)) < fewest:
        raise ValueError(
            f"a distance of two sets needs features (n >= {fewest}, d) of one d, got {x.shape} and {y.shape}: add frames, or use "
            "one extractor for both"
        )
    for name, part in (("real", x), ("generated", y)):
        bad = int((~np.isfinite(part).all(axis=1)).sum())
        if bad:
            raise ValueError(
                f"a distance of two sets needs finite features, got NaN or infinity in {bad} of {len(part)} {name} frames: "
                "look at the images"
            )
    return x, y


def standardized(real: Array, generated: Array) -> tuple[Array, Array]:
    """Both sets, each feature centered and scaled by its mean and standard deviation in the real one (constant ones centered)."""
    mean, scale = real.mean(axis=0), real.std(axis=0)
    scale = np.where(scale > 0, scale, 1.0)
    return (real - mean) / scale, (generated - mean) / scale
