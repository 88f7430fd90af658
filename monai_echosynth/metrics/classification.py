"""Accuracy, area under the ROC curve and confusion of a classifier, from the probabilities that it gave to frames of patients.

The area is one class against all others; with two classes there is one area, that of the second class. Intervals are over
patients (:mod:`monai_echosynth.metrics.bootstrap`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from monai_echosynth.metrics.auc import bootstrap_auc
from monai_echosynth.metrics.bootstrap import bootstrap_mean

__all__ = ["classification_scores"]


def classification_scores(
    probabilities: ArrayLike,
    truth: Sequence[int],
    patients: Sequence[str],
    class_names: Sequence[str],
    draws: int = 1000,
    seed: int = 0,
) -> dict[str, Any]:
    """Scores of one classifier on one set of frames.

    Args:
        probabilities: (n, K) of each frame.
        truth: (n,) class of each frame.
        patients: (n,) patient of each frame.
        class_names: (K,) names.
        draws: bootstrap draws.
        seed: seed of the bootstrap.

    Returns:
        ``accuracy`` ``{"mean", "ci95"}``, ``auroc`` ``{class: {"mean", "ci95"}}`` (None for a class that all frames or none
        are of), ``confusion`` ``{true class: {predicted class: frames}}``, ``frames`` and ``patients``.

    Raises:
        ValueError: there is no frame, lengths differ, or a probability is NaN.
    """
    values, labels = np.asarray(probabilities, dtype=np.float64), np.asarray(truth, dtype=np.int64)
    if values.shape != (len(labels), len(class_names)) or len(labels) != len(patients):
        raise ValueError(
            f"each frame needs {len(class_names)} probabilities, its class and its patient, got probabilities {values.shape}, "
            f"{len(labels)} classes and {len(patients)} patients"
        )
    if np.isnan(values).any():
        raise ValueError("scores need probabilities that are numbers, got NaN: look at the weights")
    predicted = values.argmax(1)
    areas: dict[str, Any] = {}
    for number in range(len(class_names) == 2, len(class_names)):
        positive = labels == number
        both = positive.any() and not positive.all()
        area = bootstrap_auc(values[:, number], positive, patients, draws=draws, seed=seed) if both else None
        areas[class_names[number]] = None if area is None else area.as_dict()
    return {
        "frames": len(labels),
        "patients": len(set(patients)),
        "accuracy": bootstrap_mean(predicted == labels, patients, draws, seed).as_dict(),
        "auroc": areas,
        "confusion": {
            name: {other: int(np.sum((labels == i) & (predicted == j))) for j, other in enumerate(class_names)}
            for i, name in enumerate(class_names)
        },
    }
