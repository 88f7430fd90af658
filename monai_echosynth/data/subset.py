"""A prepared folder that trains on a few frames or patients of another one, for learning curves over their number."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from monai_echosynth.data.atomic import write_json
from monai_echosynth.data.datalist import load_datalist, read_dataset_json
from monai_echosynth.diffusion.seeding import derive_seed
from monai_echosynth.errors import EchoSynthError

__all__ = ["check_patients", "write_patient_subset", "write_subset"]

_SECTIONS = ("training", "validation", "test")


def write_subset(prepared: str | PathLike[str], out: str | PathLike[str], frames: int) -> Path:
    """Writes ``dataset.json`` with the first ``frames`` training frames; no image is copied, the other sections stay.

    Smaller subsets are contained in larger ones, and patients stay in the order of the prepared folder.

    Args:
        prepared: prepared folder.
        out: folder to write.
        frames: number of training frames.

    Returns:
        ``out`` as a path.

    Raises:
        EchoSynthError: the folder has fewer training frames.
    """
    content = read_dataset_json(prepared)
    if not 0 < frames <= len(content["training"]):
        raise EchoSynthError(
            f"a subset takes 1 to {len(content['training'])} training frames of {prepared}, got {frames}: ask for fewer"
        )
    return _write(prepared, out, load_datalist(prepared, "training")[:frames], str(frames))


def write_patient_subset(
    prepared: str | PathLike[str], out: str | PathLike[str], patients: int | None, seed: int = 0
) -> Path:
    """Writes ``dataset.json`` with all training frames of some patients; no image is copied, the other sections stay.

    The seed puts the patients in an order; smaller subsets are contained in larger ones. Frames keep the order they had.

    Args:
        prepared: prepared folder.
        out: folder to write.
        patients: number of patients; all when None.
        seed: of the order.

    Returns:
        ``out`` as a path.

    Raises:
        EchoSynthError: the folder has fewer training patients, or a patient is in two of its sections.
    """
    check_patients(prepared)
    items = load_datalist(prepared, "training")
    names = sorted({str(item["patient"]) for item in items})
    count = len(names) if patients is None else patients
    if not 0 < count <= len(names):
        raise EchoSynthError(
            f"a subset takes 1 to {len(names)} training patients of {prepared}, got {count}: ask for fewer, or add patients"
        )
    order = np.random.default_rng(derive_seed(seed, "patients")).permutation(len(names))
    kept = {names[k] for k in order[:count]}
    return _write(prepared, out, [item for item in items if item["patient"] in kept], f"{count}_patients")


def check_patients(prepared: str | PathLike[str]) -> None:
    """Raises an EchoSynthError if a frame names no patient, or a patient is in two sections of a prepared folder."""
    content = read_dataset_json(prepared)
    seen: dict[str, str] = {}
    for section in _SECTIONS:
        for item in content.get(section) or []:
            if not item.get("patient"):
                raise EchoSynthError(
                    f"each frame needs its patient, got none for {item.get('id', item)} in {prepared}: prepare the folder again"
                )
            known = seen.setdefault(str(item["patient"]), section)
            if known != section:
                raise EchoSynthError(
                    f"a patient belongs to one section, got {item['patient']} in '{known}' and '{section}' of {prepared}: "
                    "split by patient"
                )


def _write(
    prepared: str | PathLike[str], out: str | PathLike[str], training: Sequence[dict[str, Any]], suffix: str
) -> Path:
    content = read_dataset_json(prepared)
    sections = {name: load_datalist(prepared, name) for name in _SECTIONS[1:] if content.get(name)}
    named = {"name": f"{content.get('name', '')}_{suffix}", "training": list(training)}
    write_json(Path(out) / "dataset.json", {**content, **sections, **named})
    return Path(out)
