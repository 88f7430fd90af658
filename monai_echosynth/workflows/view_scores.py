"""Scores a trained classifier of the view on held-out patients: accuracy and area under the ROC curve, from probabilities."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from monai_echosynth.data.atomic import write_json
from monai_echosynth.data.check_prepared import check_prepared
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.metrics.classification import classification_scores
from monai_echosynth.workflows.checksums import CHECKSUMS
from monai_echosynth.workflows.view_classification import ViewSettings, train_view_classifier

__all__ = [
    "evaluate_view_classifier",
    "is_view_classifier",
    "score_views",
    "train_and_evaluate_views",
    "view_score_table",
]

_KEPT = ("id", "patient", "view", "phase")


def evaluate_view_classifier(
    bundle_dir: str | Path,
    prepared_dir: str | Path,
    out: str | Path,
    section: str = "test",
    draws: int = 1000,
    seed: int = 0,
    **overrides: Any,
) -> dict[str, Any]:
    """Classifies one section of a prepared folder and scores it.

    Writes ``predictions.csv``, ``summary.json`` (probabilities of every frame) and ``scores.json`` (intervals) to ``out``.

    Args:
        bundle_dir: bundle with weights, as :func:`monai_echosynth.workflows.view_classification.train_view_classifier` leaves it.
        prepared_dir: prepared folder.
        out: folder to write.
        section: section of the prepared folder.
        draws: bootstrap draws.
        seed: seed of the bootstrap.
        **overrides: further config ids of ``inference.json``.

    Returns:
        Scores as :func:`~monai_echosynth.metrics.classification.classification_scores`.

    Raises:
        EchoSynthError: the bundle has no weights, the section is empty or not prepared, or a frame has a view that is none of
            the bundle's classes.
    """
    from monai_echosynth.workflows.run_bundle import run_bundle  # brings in MONAI, which takes seconds

    check_prepared(prepared_dir, section)
    target = Path(out)
    ids = {"dataset_dir": str(prepared_dir), "output_dir": str(target), "section": section, **overrides}
    run_bundle(bundle_dir, ["inference.json", "evaluate.json"], "inference", **ids)
    scores = view_score_table(json.loads((target / "summary.json").read_text(encoding="utf-8")), draws, seed)
    write_json(target / "scores.json", scores)
    return scores


def train_and_evaluate_views(
    bundle_dir: str | Path,
    frames: Sequence[str | Path],
    real_dir: str | Path,
    out: str | Path,
    settings: ViewSettings,
    progress: bool = True,
) -> dict[str, Any]:
    """Trains a classifier, unless it is trained, and scores it on the test patients of ``real_dir``; see
    :func:`monai_echosynth.workflows.evaluate.train_and_evaluate`."""
    if not (Path(bundle_dir) / "models" / CHECKSUMS).is_file():
        train_view_classifier(bundle_dir, frames, settings, val_dataset_dir=real_dir, progress=progress)
    return evaluate_view_classifier(bundle_dir, real_dir, out, seed=settings.seed)


def is_view_classifier(bundle_dir: str | Path) -> bool:
    """Whether a bundle's metadata says that its network names classes of frames instead of segmenting them."""
    path = Path(bundle_dir) / "configs" / "metadata.json"
    if not path.is_file():
        return False
    outputs = json.loads(path.read_text(encoding="utf-8")).get("network_data_format", {}).get("outputs", {})
    return bool(outputs.get("pred", {}).get("format") == "classes")


def score_views(
    predictions: str | Path, items: Sequence[Mapping[str, Any]], summary_path: str | Path, class_names: Sequence[str]
) -> dict[str, Any]:
    """Joins a table of predictions with a datalist.

    Args:
        predictions: CSV of :class:`~monai_echosynth.handlers.class_table.ClassTable`.
        items: entries of a datalist whose ``label`` is the number of the view.
        summary_path: the ``summary.json`` to write.
        class_names: names of the views.

    Returns:
        ``{"class_names", "cases"}``; a case has ``id``, ``patient``, ``view``, ``phase``, ``label`` and ``probabilities``.

    Raises:
        EchoSynthError: a frame has no prediction.
    """
    with open(predictions, newline="", encoding="utf-8") as stream:
        rows = {row["image"]: row for row in csv.DictReader(stream)}
    cases = []
    for item in items:
        row = rows.get(Path(item["image"]).name)
        if row is None:
            raise EchoSynthError(
                f"each frame needs its prediction, got none for {item['image']} in {predictions}: run the classifier again"
            )
        kept = {key: item[key] for key in _KEPT if key in item}
        cases.append({**kept, "label": item["label"], "probabilities": [float(row[name]) for name in class_names]})
    summary = {"class_names": list(class_names), "cases": cases}
    write_json(summary_path, summary)
    return summary


def view_score_table(summary: Mapping[str, Any], draws: int = 1000, seed: int = 0) -> dict[str, Any]:
    """Scores of a summary with intervals over patients; see
    :func:`~monai_echosynth.metrics.classification.classification_scores`."""
    cases = summary["cases"]
    return classification_scores(
        [case["probabilities"] for case in cases],
        [case["label"] for case in cases],
        [str(case.get("patient", case.get("id"))) for case in cases],
        summary["class_names"],
        draws,
        seed,
    )
