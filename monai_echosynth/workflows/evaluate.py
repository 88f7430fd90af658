"""Scores a trained segmenter: on held-out real patients, or on synthetic frames against the masks that guided them.

*Test on real*: the ``test`` section of a prepared folder, on the native grid, distances in mm, intervals over patients.
*Mask adherence*: Dice of a real-trained segmenter on synthetic frames against their guiding masks. A generator that ignores
its mask scores low; one that follows it scores as real frames do.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from monai_echosynth.data.atomic import write_json
from monai_echosynth.data.check_prepared import check_prepared
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.metrics.bootstrap import Interval, bootstrap_mean, bootstrap_paired
from monai_echosynth.metrics.structures import STRUCTURES, Structures, summary_key
from monai_echosynth.metrics.summary_json import values_of
from monai_echosynth.workflows.checksums import CHECKSUMS
from monai_echosynth.workflows.segmentation import SegmentationSettings, train_segmenter

__all__ = ["compare_arms", "evaluate_segmenter", "mask_adherence", "score_table", "train_and_evaluate"]


def evaluate_segmenter(
    bundle_dir: str | Path,
    prepared_dir: str | Path,
    out: str | Path,
    section: str = "test",
    draws: int = 1000,
    seed: int = 0,
    **overrides: Any,
) -> dict[str, Any]:
    """Segments one section of a prepared folder and scores it.

    Writes ``predictions/<id>.nii.gz``, ``summary.json`` (nnU-Net's schema) and ``scores.json`` (intervals) to ``out``.

    Args:
        bundle_dir: bundle with weights, as :func:`monai_echosynth.workflows.segmentation.train_segmenter` leaves it.
        prepared_dir: prepared folder.
        out: folder to write.
        section: section of the prepared folder.
        draws: bootstrap draws.
        seed: seed of the bootstrap.
        **overrides: further config ids of ``inference.json``.

    Returns:
        ``{"dice": {structure: {"mean", "ci95"}}, "hd95_mm": ..., "assd_mm": ..., "hd_mm": ..., "mean_dice": ..., "frames",
        "patients"}``; ``mean_dice`` is over the plain labels that a frame or its prediction shows.

    Raises:
        EchoSynthError: the bundle has no weights, or the section is empty or not prepared.
    """
    from monai_echosynth.workflows.run_bundle import run_bundle  # brings in MONAI, which takes seconds

    check_prepared(prepared_dir, section)
    target = Path(out)
    target.mkdir(parents=True, exist_ok=True)
    ids = {"dataset_dir": str(prepared_dir), "output_dir": str(target), "section": section, **overrides}
    run_bundle(bundle_dir, ["inference.json", "evaluate.json"], "inference", **ids)
    summary = json.loads((target / "summary.json").read_text(encoding="utf-8"))
    scores = score_table(summary, draws, seed)
    write_json(target / "scores.json", scores)
    return scores


def train_and_evaluate(
    bundle_dir: str | Path,
    frames: str | Path | Sequence[str | Path],
    real_dir: str | Path,
    out: str | Path,
    settings: SegmentationSettings,
    progress: bool = True,
) -> dict[str, Any]:
    """Trains a segmenter, unless it is trained, and scores it on the test patients of ``real_dir``.

    Args:
        bundle_dir: bundle to write; an interrupted training in it goes on.
        frames: prepared folders or synthetic sets whose ``training`` sections are learned together.
        real_dir: prepared folder whose ``validation`` section is watched and whose ``test`` section is scored.
        out: folder of the scores.
        settings: budget; its seed is that of the intervals too.
        progress: show a progress bar.

    Returns:
        As :func:`evaluate_segmenter`.
    """
    if not (Path(bundle_dir) / "models" / CHECKSUMS).is_file():
        train_segmenter(bundle_dir, frames, settings, val_dataset_dir=real_dir, progress=progress)
    return evaluate_segmenter(bundle_dir, real_dir, out, seed=settings.seed)


def mask_adherence(
    bundle_dir: str | Path, synthetic_dir: str | Path, out: str | Path, section: str = "training", **overrides: Any
) -> dict[str, Any]:
    """Scores of a real-trained segmenter on synthetic frames against their guiding masks; see :func:`evaluate_segmenter`."""
    return evaluate_segmenter(bundle_dir, synthetic_dir, out, section, **overrides)


def score_table(summary: Mapping[str, Any], draws: int = 1000, seed: int = 0) -> dict[str, Any]:
    """Means with intervals over patients of every structure of a ``summary.json``.

    Raises:
        EchoSynthError: no frame has a structure, in the reference or in the prediction.
    """
    cases, structures = summary["metric_per_case"], _structures(summary)
    patients = _patients(cases)

    def row(metric: str) -> dict[str, Any]:
        values = {name: values_of(cases, summary_key(ids), metric) for name, ids in structures.items()}
        return {name: _interval(scores, patients, draws, seed) for name, scores in values.items()}

    means = _mean_of_labels(cases, structures)
    if all(math.isnan(value) for value in means):
        raise EchoSynthError(
            f"no frame of {len(cases)} shows {' or '.join(structures)} and none was found: evaluate on frames with structures"
        )
    return {
        "frames": len(cases),
        "patients": len(set(patients)),
        "dice": row("Dice"),
        "mean_dice": bootstrap_mean(means, patients, draws, seed).as_dict(),
        "hd_mm": row("HD"),
        "hd95_mm": row("HD95"),
        "assd_mm": row("ASSD"),
    }


def compare_arms(
    first: Mapping[str, Any], second: Mapping[str, Any], metric: str = "Dice", draws: int = 1000, seed: int = 0
) -> dict[str, Any]:
    """Paired differences ``first - second`` of two summaries of the same frames, with intervals over patients.

    Returns:
        ``{structure: {"mean", "ci95"}}`` and, for Dice, ``"mean"`` over the plain labels; None where no frame has both values.

    Raises:
        EchoSynthError: the summaries are not of the same frames.
    """
    a, b = first["metric_per_case"], second["metric_per_case"]
    if [case["reference_file"].rsplit("/", 1)[-1] for case in a] != [
        case["reference_file"].rsplit("/", 1)[-1] for case in b
    ]:
        raise EchoSynthError(
            "paired summaries must be of the same frames in the same order: evaluate both on one folder"
        )
    patients = _patients(a)

    def paired(x: Sequence[float], y: Sequence[float]) -> dict[str, object]:
        if all(math.isnan(one - other) for one, other in zip(x, y, strict=True)):
            return {"mean": None, "ci95": None}
        difference: Interval = bootstrap_paired(x, y, patients, draws, seed)
        return difference.as_dict()

    structures = _structures(first)
    keys = {name: summary_key(ids) for name, ids in structures.items()}
    result = {name: paired(values_of(a, key, metric), values_of(b, key, metric)) for name, key in keys.items()}
    if metric == "Dice":
        result["mean"] = paired(_mean_of_labels(a, structures), _mean_of_labels(b, structures))
    return result


def _interval(values: Sequence[float], patients: Sequence[str], draws: int, seed: int) -> dict[str, object]:
    """Mean with interval; None where no value is defined: no frame shows the structure and none was found."""
    if all(math.isnan(value) for value in values):
        return {"mean": None, "ci95": None}
    return bootstrap_mean(values, patients, draws, seed).as_dict()


def _structures(summary: Mapping[str, Any]) -> Structures:
    """Structures that a summary names; those of CAMUS where it names none."""
    named = summary.get("structures")
    return {name: tuple(ids) for name, ids in named.items()} if named else STRUCTURES


def _mean_of_labels(cases: Sequence[Mapping[str, Any]], structures: Structures) -> list[float]:
    """Mean Dice of the plain labels in each frame over those that are defined there; NaN where none is."""
    per_label = [values_of(cases, summary_key(ids), "Dice") for ids in structures.values() if len(ids) == 1]
    defined = ([value for value in values if not math.isnan(value)] for values in zip(*per_label, strict=True))
    return [sum(values) / len(values) if values else math.nan for values in defined]


def _patients(cases: Sequence[Mapping[str, Any]]) -> list[str]:
    return [str(case.get("patient", case["reference_file"])) for case in cases]
