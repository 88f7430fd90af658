r"""Resampling on a regular grid by separable weights: exact area averages down, linear interpolation up.

Output pixel :math:`i` of :math:`m` covers the interval :math:`[i, i+1] \cdot n/m` of the :math:`n` input pixels; its weights
are the overlaps, so the mean is kept exactly and no aliasing of the speckle arises. Label maps are averaged as one-hot
fractions and take the id with the largest share.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["resample_image", "resample_label", "resample_weights"]


@lru_cache(maxsize=256)
def resample_weights(size_in: int, size_out: int) -> NDArray[np.float32]:
    """Weights (size_out, size_in); every row sums to one."""
    scale = size_in / size_out
    if scale >= 1.0:
        edges = np.arange(size_out + 1) * scale
        pixels = np.arange(size_in)
        overlap = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
        weights = np.clip(overlap, 0.0, None)
    else:
        centers = np.clip((np.arange(size_out) + 0.5) * scale - 0.5, 0.0, size_in - 1.0)
        weights = np.clip(1.0 - np.abs(centers[:, None] - np.arange(size_in)), 0.0, None)
    weights = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
    weights.setflags(write=False)
    return weights


def resample_image(image: NDArray[Any], size: tuple[int, int]) -> NDArray[np.float32]:
    """Image (X, Y) on the grid ``size``, float32, same range."""
    across, along = (resample_weights(n, m) for n, m in zip(image.shape, size, strict=True))
    resampled: NDArray[np.float32] = across @ image.astype(np.float32) @ along.T
    return resampled


def resample_label(label: NDArray[Any], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Label map (X, Y) on the grid ``size``: the id that covers most of each pixel, the smaller one in a tie."""
    ids = np.unique(label)
    shares = np.stack([resample_image(label == value, size) for value in ids])
    return ids.astype(np.uint8)[shares.argmax(axis=0)]
