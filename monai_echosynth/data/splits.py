"""Splits by patient, never by frame: all frames of a patient lie on one side."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from monai_echosynth.errors import EchoSynthError

__all__ = ["PatientSplit", "official_split", "split_patients"]

_OFFICIAL = {
    "training": "subgroup_training.txt",
    "validation": "subgroup_validation.txt",
    "test": "subgroup_testing.txt",
}


@dataclass(frozen=True)
class PatientSplit:
    """Patients of the three sections, each sorted; the sections are disjoint."""

    training: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...]


def split_patients(
    patients: Collection[str],
    n_test: int,
    n_validation: int,
    seed: int,
    max_train: int | None = None,
    keep_in_training: Collection[str] = (),
) -> PatientSplit:
    """Random split that depends on the set of patients and the seed only.

    Args:
        patients: names; order and repetition do not matter.
        n_test: patients in the test section, at least 1.
        n_validation: patients in the validation section, at least 0.
        seed: of the shuffle.
        max_train: most patients in the training section; the others are left out. All when None.
        keep_in_training: patients that may not be tested or validated on, since they share frames with others.

    Raises:
        EchoSynthError: zero test patients were asked for, or too few patients are there.
    """
    names = sorted(set(patients))
    if n_test < 1:
        raise EchoSynthError(f"at least 1 test patient is needed, got n_test = {n_test}: ask for one or more")
    if n_validation < 0:
        raise EchoSynthError(f"n_validation must not be negative, got {n_validation}: ask for zero or more")
    if max_train is not None and max_train < 1:
        raise EchoSynthError(f"at least 1 training patient is needed, got max_train = {max_train}: ask for one or more")
    if len(names) < 2:
        raise EchoSynthError(
            f"training and test need at least 2 patients, got {len(names)} ({', '.join(names)}): add patients"
        )
    free = [name for name in names if name not in set(keep_in_training)]
    if n_test + n_validation > min(len(free), len(names) - 1):
        raise EchoSynthError(
            f"{n_test} test and {n_validation} validation patients must leave one for training, got {len(names)} patients"
            f" ({len(names) - len(free)} of them with duplicated frames): lower n_test or add patients"
        )
    order = [free[i] for i in np.random.Generator(np.random.PCG64(seed)).permutation(len(free))]
    test, validation = order[:n_test], order[n_test : n_test + n_validation]
    training = [*order[n_test + n_validation :], *sorted(set(names) - set(free))][:max_train]
    return PatientSplit(tuple(sorted(training)), tuple(sorted(validation)), tuple(sorted(test)))


def official_split(root: Path, patients: Collection[str]) -> PatientSplit | None:
    """Split of the files ``database_split/subgroup_{training,validation,testing}.txt``, reduced to the patients at hand.

    Args:
        root: data folder or the folder with the patients inside it.
        patients: patients at hand.

    Returns:
        None when the files are absent or leave no patient to train or to test on.

    Raises:
        EchoSynthError: a patient stands in two of the files.
    """
    folder = next(
        (place / "database_split" for place in (root, root.parent) if (place / "database_split").is_dir()), None
    )
    if folder is None or not all((folder / name).is_file() for name in _OFFICIAL.values()):
        return None
    sections = {key: _names(folder / name, patients) for key, name in _OFFICIAL.items()}
    everyone: Sequence[str] = sorted(name for names in sections.values() for name in names)
    repeated = sorted({name for name in everyone if everyone.count(name) > 1})
    if repeated:
        raise EchoSynthError(f"split files must be disjoint, got {repeated[0]} in two files of {folder}: correct them")
    if not sections["training"] or not sections["test"]:
        return None
    return PatientSplit(**sections)


def _names(path: Path, patients: Collection[str]) -> tuple[str, ...]:
    present = set(patients)
    return tuple(sorted({line.strip() for line in path.read_text(encoding="utf-8").splitlines()} & present))
