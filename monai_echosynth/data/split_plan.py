"""Which patients of a data folder train, validate and test: sizes, official files, duplicates."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from monai_echosynth.data.splits import PatientSplit, official_split, split_patients
from monai_echosynth.errors import EchoSynthError

__all__ = ["SplitPlan", "SplitSource", "plan_split"]


class SplitSource(StrEnum):
    """Where the split comes from."""

    AUTO = "auto"
    """The official files when they lie beside the data, else random."""
    OFFICIAL = "official"
    """The official files, which must be there."""
    RANDOM = "random"
    """Random by patient."""


@dataclass(frozen=True)
class SplitPlan:
    """Sizes and origin of a split.

    Attributes:
        n_test: test patients; None takes 50, or a fifth of the patients when there are fewer than 250.
        max_train: most patients in training and validation together.
        validation_fraction: share of those that validate, at least one patient when positive.
        seed: of the random split.
        source: official files or random.
    """

    n_test: int | None = None
    max_train: int = 398
    validation_fraction: float = 0.05
    seed: int = 0
    source: SplitSource = SplitSource.AUTO


def plan_split(
    plan: SplitPlan, root: Path, patients: Collection[str], linked: Collection[str]
) -> tuple[PatientSplit, list[str]]:
    """Splits ``patients`` and says in words what was decided.

    Args:
        plan: sizes and origin.
        root: folder that may hold the official files.
        patients: all patients found.
        linked: patients who share a frame with another patient; they never test or validate.

    Returns:
        The split and notes for ``dataset.json``.

    Raises:
        EchoSynthError: too few patients, or the official files are missing although asked for.
    """
    if not 0.0 <= plan.validation_fraction < 1.0:
        raise EchoSynthError(f"validation_fraction must be in [0, 1), got {plan.validation_fraction}: choose 0.05, say")
    official = None if plan.source is SplitSource.RANDOM else official_split(root, patients)
    if plan.source is SplitSource.OFFICIAL and official is None:
        raise EchoSynthError(
            f"the official split needs database_split/subgroup_*.txt, got none that fit in {root}: use 'random'"
        )
    if official is not None:
        return _limited(official, plan, linked)
    names = set(patients)
    n_test = min(50, max(1, len(names) // 5)) if plan.n_test is None else plan.n_test
    available = min(plan.max_train, len(names) - n_test)
    n_validation = (
        max(1, round(plan.validation_fraction * available)) if plan.validation_fraction and available > 2 else 0
    )
    max_train = plan.max_train - n_validation
    split = split_patients(names, n_test, n_validation, plan.seed, max_train, linked)
    return split, [f"split: random by patient, seed {plan.seed}"]


def _limited(split: PatientSplit, plan: SplitPlan, linked: Collection[str]) -> tuple[PatientSplit, list[str]]:
    """Official split without the patients of training and validation who share frames with others, cut to ``max_train``."""
    notes = ["split: official files"]
    dropped = sorted((set(split.training) | set(split.validation)) & set(linked))
    if dropped:
        notes.append(f"left out, since they share frames with others: {', '.join(dropped)}")
    validation = tuple(name for name in split.validation if name not in dropped)
    training = tuple(name for name in split.training if name not in dropped)
    kept = training[: max(plan.max_train - len(validation), 0)]
    if not kept:
        raise EchoSynthError(f"training needs a patient, got none within max_train = {plan.max_train}: raise max_train")
    return PatientSplit(kept, validation, split.test), notes
