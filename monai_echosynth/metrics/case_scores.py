"""Every score of one segmented frame: overlap counts and outline distances of each structure on the frame's own grid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from monai_echosynth.metrics.overlap import confusion
from monai_echosynth.metrics.structures import STRUCTURES, structure_mask, summary_key
from monai_echosynth.metrics.surface import surface_distances

__all__ = ["CaseMetrics", "case_scores"]

CaseMetrics = dict[str, dict[str, float]]
"""``{structure key: {"Dice", "IoU", "TP", ..., "HD", "HD95", "ASSD"}}``, distances in mm."""


def case_scores(
    prediction: NDArray[np.integer],
    reference: NDArray[np.integer],
    spacing: Sequence[float],
    structures: Mapping[str, tuple[int, ...]] = STRUCTURES,
) -> CaseMetrics:
    """Scores a label map against its reference.

    Args:
        prediction: integer map.
        reference: integer map of the same shape; ids outside ``structures`` are background.
        spacing: mm along each axis.
        structures: label ids of each structure.

    Returns:
        For each structure (key as in nnU-Net's ``summary.json``) Dice, IoU, the counts FN, FP, TN, TP, n_pred and n_ref in
        pixels, and HD, HD95 and ASSD in mm. What is not defined is NaN.
    """
    scores: CaseMetrics = {}
    for ids in structures.values():
        masks = structure_mask(prediction, ids), structure_mask(reference, ids)
        counts = confusion(*masks)
        distances = surface_distances(*masks, spacing)
        scores[summary_key(ids)] = {
            "Dice": counts.dice,
            "FN": counts.fn,
            "FP": counts.fp,
            "IoU": counts.iou,
            "TN": counts.tn,
            "TP": counts.tp,
            "n_pred": counts.tp + counts.fp,
            "n_ref": counts.tp + counts.fn,
            "HD": distances.hd,
            "HD95": distances.hd95,
            "ASSD": distances.assd,
        }
    return scores
