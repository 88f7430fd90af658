"""Training and validation cases of each fold, no patient on both sides.

A synthetic frame has a patient, too: the one whose mask guided it. It may train only where that patient does not validate, and it
never validates where real frames do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from monai_echosynth.errors import EchoSynthError

__all__ = ["SplitCase", "patient_folds", "single_fold"]

Fold = dict[str, list[str]]
"""Names of the cases under ``train`` and ``val``."""


@dataclass(frozen=True)
class SplitCase:
    """A case to deal out.

    Attributes:
        name: unique name.
        patient: who was examined, or whose mask guided a synthetic frame.
        validates: may be a validation case.
    """

    name: str
    patient: str
    validates: bool


def patient_folds(cases: Sequence[SplitCase], folds: int, seed: int = 0) -> list[Fold]:
    """Cross-validation: the patients of the validating cases are dealt into ``folds`` groups of nearly equal size.

    Args:
        cases: all cases.
        folds: number of folds, 2 or more.
        seed: order of the patients.

    Raises:
        EchoSynthError: there are fewer patients than folds.
    """
    patients = sorted({case.patient for case in cases if case.validates})
    if folds < 2 or len(patients) < folds:
        raise EchoSynthError(
            f"cross-validation needs 2 folds or more and a patient for each, got {folds} folds and {len(patients)} patients: "
            "choose fewer folds or add patients"
        )
    order = np.random.default_rng(seed).permutation(len(patients))
    return [_fold(cases, {patients[k] for k in order[fold::folds]}) for fold in range(folds)]


def single_fold(cases: Sequence[SplitCase]) -> Fold:
    """One fold in which every validating case validates.

    Raises:
        EchoSynthError: no case validates, or none is left to train.
    """
    return _fold(cases, {case.patient for case in cases if case.validates})


def _fold(cases: Sequence[SplitCase], held_out: set[str]) -> Fold:
    fold = {
        "train": sorted(case.name for case in cases if case.patient not in held_out),
        "val": sorted(case.name for case in cases if case.patient in held_out and case.validates),
    }
    if not fold["train"] or not fold["val"]:
        counts = f"{len(fold['train'])} training and {len(fold['val'])} validation cases"
        raise EchoSynthError(f"a fold needs cases of different patients on both sides, got {counts}: add patients")
    return fold
