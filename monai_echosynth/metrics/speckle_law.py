"""The law of speckle in one region of a frame: envelope statistics after undoing log compression, and that of gray levels.

Display processing changes all four numbers, and the dynamic range of a picture is not known: they tell regions and sets of
frames apart, and say little about tissue.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from monai_echosynth.metrics.intensity import FLOOR, fit_gamma
from monai_echosynth.metrics.speckle import decompress, fit_nakagami, speckle_snr

__all__ = ["DYNAMIC_RANGE_DB", "SpeckleLaw", "speckle_law"]

DYNAMIC_RANGE_DB: Final = 60.0
"""Display range assumed when the envelope is recovered from gray levels."""

_FEWEST = 33
"""Pixels below which nothing is fitted."""


class SpeckleLaw(NamedTuple):
    """Statistics of a region; all NaN where it has too few pixels or they are all equal.

    Attributes:
        nakagami_m: shape of the envelope's Nakagami law; 1 is fully developed speckle.
        snr: mean over standard deviation of the envelope; 1.91 for fully developed speckle.
        concentration: of the Gamma law of the gray levels.
        rate: of the Gamma law of the gray levels, 1 / full scale.
    """

    nakagami_m: float
    snr: float
    concentration: float
    rate: float


def speckle_law(gray: ArrayLike, dynamic_range_db: float = DYNAMIC_RANGE_DB) -> SpeckleLaw:
    """Statistics of the gray levels of a region.

    Args:
        gray: any shape, log-compressed intensity in [0, 1].
        dynamic_range_db: displayed range that is undone.
    """
    values = np.asarray(gray, dtype=np.float64).ravel()
    if values.size < _FEWEST or np.ptp(np.maximum(values, FLOOR)) == 0:
        return SpeckleLaw(*[float("nan")] * 4)
    envelope = decompress(values, dynamic_range_db)
    return SpeckleLaw(fit_nakagami(envelope).shape, speckle_snr(envelope), *fit_gamma(values))
