"""What makes a frame that frame and no other: its texture, with gain and everything that its label map explains taken off.

Two frames of one label map share sector, structures and mean gray levels by construction, copied or not, and a change of
gain hides neither. So the local mean over neighbors *of the same label* is taken off, and the rest is divided by its
local standard deviation. What is left are speckle, valves, trabeculae, walls of chambers that are not annotated: equal in
a copy, unrelated between patients. Pixels next to a label border hold two structures and count for nothing.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from monai_echosynth.metrics.grain import detrended

__all__ = ["Texture", "frame_texture"]

_REACH: Final = 6.0 / 128.0
"""Standard deviation of the local mean, of the frame's edge."""

_QUIET: Final = 3.0 / 255.0
"""Local standard deviation below which a region is mostly rounding."""


class Texture(NamedTuple):
    """Texture ``values`` (X, Y), about unit variance, and ``weight`` (X, Y), 1 where they count; 0 elsewhere in both."""

    values: NDArray[np.float32]
    weight: NDArray[np.float32]


def frame_texture(image: NDArray[np.floating], label: NDArray[np.integer], outside: int = 0) -> Texture:
    """Texture of a frame.

    Args:
        image: (X, Y), intensity in [0, 1].
        label: (X, Y) ids.
        outside: id outside the sector.

    Raises:
        ValueError: shapes differ, or the frame has no sector.
    """
    if image.shape != label.shape:
        raise ValueError(f"image and label must have one shape, got {image.shape} and {label.shape}")
    if (label == outside).all():
        raise ValueError("a frame needs a sector, got a label map of outside pixels alone")
    reach = _REACH * min(image.shape)
    values = np.zeros(image.shape)
    for number in np.unique(label[label != outside]):
        region = label == number
        rest = detrended(image, region, reach)
        values += rest / np.sqrt(np.maximum(_local_mean(np.square(rest), region, reach), 0.0) + _QUIET**2)
    inner = ndimage.minimum_filter(label, 3) == ndimage.maximum_filter(label, 3)
    weight = (inner & (label != outside)).astype(np.float32)
    return Texture((values * weight).astype(np.float32), weight)


def _local_mean(values: NDArray[np.float64], region: NDArray[np.bool_], sd: float) -> NDArray[np.float64]:
    share = np.maximum(ndimage.gaussian_filter(region.astype(np.float64), sd), 1e-6)
    return np.asarray(ndimage.gaussian_filter(np.where(region, values, 0.0), sd) / share)
