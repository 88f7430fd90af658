"""Stored pixels to 8-bit gray levels, the one form in which prepared images lie on disk."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["to_uint8"]


def to_uint8(image: NDArray[Any]) -> NDArray[np.uint8]:
    """Gray levels 0..255 of an image (X, Y).

    Values up to 255 are kept (rounded); floats up to 1 are multiplied by 255; a larger range is scaled so that its maximum
    becomes 255. Negative values become 0.
    """
    if image.dtype == np.uint8:
        return image
    values = np.clip(image.astype(np.float64), 0.0, None)
    peak = float(values.max())
    if image.dtype.kind == "f" and peak <= 1.0:
        values = values * 255.0
    elif peak > 255.0:
        values = values * (255.0 / peak)
    return np.rint(values).astype(np.uint8)
