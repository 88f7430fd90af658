"""Overlap of two masks from their confusion counts.

Dice = 2 TP / (2 TP + FP + FN), IoU = TP / (TP + FP + FN). A structure that is absent in both masks has no overlap to speak
of: both are NaN there (nnU-Net's convention), and means ignore NaN.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Confusion", "confusion"]


class Confusion(NamedTuple):
    """Numbers of pixels: true and false positives and negatives."""

    tp: int
    fp: int
    fn: int
    tn: int

    @property
    def dice(self) -> float:
        """Dice coefficient in [0, 1]; NaN when both masks are empty."""
        size = 2 * self.tp + self.fp + self.fn
        return 2 * self.tp / size if size else float("nan")

    @property
    def iou(self) -> float:
        """Intersection over union in [0, 1]; NaN when both masks are empty."""
        size = self.tp + self.fp + self.fn
        return self.tp / size if size else float("nan")


def confusion(prediction: NDArray[np.bool_], reference: NDArray[np.bool_]) -> Confusion:
    """Counts of two boolean masks of one shape.

    Raises:
        ValueError: the shapes differ.
    """
    if prediction.shape != reference.shape:
        raise ValueError(
            f"prediction and reference must have one shape, got {prediction.shape} and {reference.shape}: "
            "bring the prediction back to the grid of the reference first"
        )
    tp = int(np.count_nonzero(prediction & reference))
    fp = int(np.count_nonzero(prediction)) - tp
    fn = int(np.count_nonzero(reference)) - tp
    return Confusion(tp, fp, fn, prediction.size - tp - fp - fn)
