"""What the segmenters see in real test frames: best, median and worst patient of the synthetic-only arm."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

import numpy as np

from monai_echosynth.workflows.report.contours import contour_overlay
from monai_echosynth.workflows.report.frame_grid import cell, frame_grid
from monai_echosynth.workflows.report.frame_io import frame_png, read_frame, read_map, readable
from monai_echosynth.workflows.report.markup import Section, note, paragraph, png_uri
from monai_echosynth.workflows.report.palette import ARM_NAMES, ARMS
from monai_echosynth.workflows.report.study import Study

__all__ = ["case_scores", "predictions_section"]

HEIGHT = 320


def predictions_section(study: Study) -> Section:
    """One row a patient: reference, then each arm over it."""
    title = "Predictions on real test frames"
    scores = {arm: case_scores(study.json(f"evaluation/{arm}/summary.json") or {}) for arm in ARMS}
    entries = {str(entry["id"]): entry for entry in study.entries("prepared", "test") if "id" in entry}
    judged = {name: score for name, score in (scores["synthetic"] or scores["real"]).items() if name in entries}
    rows = []
    for row_title, name in _ranked(judged, entries):
        cells = _cells(study, entries[name], scores)
        if len(cells) > 1:
            rows.append((row_title, cells))
    if not rows:
        return Section("predictions", title, note("No predictions with scores were found, so none are shown."))
    text = paragraph(
        "Patients are ranked by the mean Dice of the segmenter trained on synthetic frames only. Colored outlines are "
        "the prediction, dashed white ones the reference."
    )
    return Section("predictions", title, text + frame_grid("predictions", rows, "Reference"))


def case_scores(summary: Mapping[str, Any]) -> dict[str, float]:
    """Mean Dice of each case of an nnU-Net summary over its labels; regions and undefined scores are left out."""
    found = {}
    for case in summary.get("metric_per_case") or []:
        name = (
            PurePath(str(case.get("prediction_file", "")))
            .name.removesuffix(".gz")
            .removesuffix(".nii")
            .removesuffix(".png")
        )
        dice = [m.get("Dice") for key, m in (case.get("metrics") or {}).items() if not key.startswith("(")]
        values = [float(value) for value in dice if isinstance(value, int | float) and value == value]
        if name and values:
            found[name] = sum(values) / len(values)
    return found


def _ranked(judged: Mapping[str, float], entries: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Titles and frames: best frame of the best patient, worst of the worst, and one near the mean of the median patient."""
    patients: dict[str, list[str]] = defaultdict(list)
    for name in sorted(judged):
        patients[str(entries[name].get("patient", name))].append(name)
    means = {patient: float(np.mean([judged[name] for name in names])) for patient, names in patients.items()}
    if not means:
        return []
    order = sorted(means, key=lambda patient: (-means[patient], patient))
    targets = {"Best": (0, 1.0), "Median": (len(order) // 2, None), "Worst": (len(order) - 1, 0.0)}
    found: dict[str, tuple[str, str]] = {}
    for rank, (at, target) in targets.items():
        if order[at] in found:
            continue
        wanted = means[order[at]] if target is None else target
        name = min(patients[order[at]], key=lambda name: abs(judged[name] - wanted))
        title = f"{rank} patient, mean Dice {means[order[at]]:.3f}: {readable(name)}"
        found[order[at]] = (title, name)
    return list(found.values())


def _cells(study: Study, entry: Mapping[str, Any], scores: Mapping[str, Mapping[str, float]]) -> list[str]:
    frame = read_frame(entry)
    uri = png_uri(frame_png(frame.image, frame.aspect, HEIGHT))
    truth = contour_overlay(frame.label)
    cells = [cell(uri, truth, frame.aspect, "Reference", f"Real frame {frame.name} with its reference outlines")]
    for arm in ARMS:
        path = study.root / "evaluation" / arm / "predictions" / f"{frame.name}.nii.gz"
        label = read_map(path) if path.is_file() else None
        if label is None or label.shape != frame.label.shape:
            continue
        score = scores[arm].get(frame.name)
        caption = ARM_NAMES[arm] + (f", Dice {score:.3f}" if score is not None else "")
        alt = f"Real frame {frame.name} with the prediction of the segmenter trained on: {ARM_NAMES[arm]}"
        cells.append(cell(uri, contour_overlay(label, frame.label), frame.aspect, caption, alt, arm))
    return cells
