"""Two folds in which no patient is on both sides, with both classes spread evenly."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from monai_echosynth.errors import EchoSynthError

__all__ = ["two_folds"]


def two_folds(
    first: Sequence[str], second: Sequence[str], seed: int = 0
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Fold 0 or 1 of each frame of two classes.

    A patient in both classes (a frame and the synthetic ones from its mask) is in one fold. Patients with many frames are placed
    first, each into the fold that has fewer frames of its classes.

    Args:
        first: patient of each frame of the first class.
        second: patient of each frame of the second class.
        seed: order among patients with equally many frames.

    Raises:
        EchoSynthError: a class has fewer than two patients.
    """
    counts = Counter(first), Counter(second)
    for number in counts:
        if len(number) < 2:
            raise EchoSynthError(
                f"two folds by patient need at least 2 patients in each set, got {len(number)}: add patients"
            )
    names = sorted({*counts[0], *counts[1]})
    names = [names[i] for i in np.random.default_rng(seed).permutation(len(names))]
    names.sort(key=lambda name: -sum(number[name] for number in counts))
    load = np.zeros((2, 2))  # fold, class
    fold: dict[str, int] = {}
    for name in names:
        share = np.array([number[name] / number.total() for number in counts])
        fold[name] = int(np.argmin(load @ share))
        load[fold[name]] += share
    return np.array([fold[name] for name in first]), np.array([fold[name] for name in second])
