"""Scores predicted label maps against their references on the native grid, in millimeters, and writes ``summary.json``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from monai_echosynth.data.atomic import write_json
from monai_echosynth.data.datalist import read_label_table
from monai_echosynth.data.folder_labels import structures as structure_rows
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.metrics.case_scores import case_scores
from monai_echosynth.metrics.structures import STRUCTURES, Structures, structures_of
from monai_echosynth.metrics.summary_json import case_entry, summarize

__all__ = ["score_predictions", "structures_in"]

_KEPT = ("id", "patient", "view", "phase")


def score_predictions(
    prediction_dir: str | Path,
    items: Sequence[Mapping[str, Any]],
    summary_path: str | Path,
    structures: Structures = STRUCTURES,
) -> dict[str, Any]:
    """Scores every frame of a datalist and writes the summary.

    Args:
        prediction_dir: folder of label maps named as the frames (``<name>.nii.gz``).
        items: entries of a datalist with absolute paths; the reference is ``label``.
        summary_path: the ``summary.json`` to write; file names in it are relative to its folder where they lie below it.
        structures: label ids of each structure.

    Returns:
        The summary in nnU-Net's schema, each case with ``id``, ``patient``, ``view`` and ``phase`` beside nnU-Net's keys, and the
        ids of each structure under ``structures``.

    Raises:
        EchoSynthError: a prediction is missing or lies on another grid than its reference.
    """
    home = Path(summary_path).resolve().parent
    cases = []
    for item in items:
        reference_path = Path(item["label"])
        path = Path(prediction_dir) / f"{_stem(item['image'])}.nii.gz"
        if not path.is_file():
            raise EchoSynthError(f"each frame needs its prediction, got no {path}: run the segmentation again")
        reference, spacing = _read(reference_path)
        prediction, _ = _read(path)
        if prediction.shape != reference.shape:
            raise EchoSynthError(
                f"a prediction must be on the grid of its reference {reference.shape}, got {prediction.shape} in {path}: "
                "bring it back to the native grid"
            )
        kept = {key: item[key] for key in _KEPT if key in item}
        cases.append(
            case_entry(
                case_scores(prediction, reference, spacing, structures),
                _name(path, home),
                _name(reference_path, home),
                **kept,
            )
        )
    summary = {**summarize(cases), "structures": {name: list(ids) for name, ids in structures.items()}}
    write_json(summary_path, summary)
    return summary


def structures_in(folder: str | Path) -> Structures:
    """Structures that are scored on the frames of a prepared folder, by its label table."""
    return structures_of({entry.id: entry.name for entry in structure_rows(read_label_table(folder))})


def _read(path: Path) -> tuple[NDArray[np.uint8], tuple[float, float]]:
    """Label map (X, Y) and spacing in mm."""
    image = nib.load(path)
    zooms = image.header.get_zooms()
    return np.asanyarray(image.dataobj).astype(np.uint8), (float(zooms[0]), float(zooms[1]))


def _stem(path: str) -> str:
    name = Path(path).name
    return name.removesuffix(".gz").rsplit(".", 1)[0]


def _name(path: Path, home: Path) -> str:
    absolute = path.resolve()
    return str(absolute.relative_to(home)) if absolute.is_relative_to(home) else str(absolute)
