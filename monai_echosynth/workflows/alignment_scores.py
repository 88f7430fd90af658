"""Scores of the alignment study: the gap, the anatomy and the segmenters, before and after every way to align."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from monai_echosynth.data.atomic import write_json
from monai_echosynth.metrics.summary_json import averaged
from monai_echosynth.workflows.alignment_study_settings import BEFORE, EXAMINER, FULL, AlignmentStudySettings
from monai_echosynth.workflows.anatomy_shift import anatomy_shift, mean_change
from monai_echosynth.workflows.evaluate import compare_arms, evaluate_segmenter, score_table
from monai_echosynth.workflows.gap import common_size, compare, measure_domain
from monai_echosynth.workflows.phantom_stage import prepared

__all__ = ["REAL", "score_alignment_study"]

REAL = "real"
"""The examiner, in tables of Dice."""


def score_alignment_study(study: AlignmentStudySettings, folders: Mapping[str, Path], out: Path) -> dict[str, Any]:
    """Write ``gaps.json``, ``anatomy.json``, ``dice.json`` and ``differences.json`` to ``out``.

    Args:
        study: what was compared.
        folders: ``real``, ``synthetic``, ``examiner``, the aligned set of each cell by its name, and the segmenters of each arm.
        out: folder to write.

    Returns:
        Mean Dice by arm.
    """
    real, synthetic, examiner = (prepared(folders["real"]), prepared(folders["synthetic"]), folders[EXAMINER])
    sets = {BEFORE: synthetic, **{cell: folders[cell] for cell in study.cells}}
    size = common_size(real, synthetic)
    held_out = measure_domain(real, "test", examiner, size=size, seed=study.seed)
    measured = {
        cell: measure_domain(path, "training", examiner, size=size, seed=study.seed) for cell, path in sets.items()
    }
    gaps = {cell: compare(held_out, found, study.seed) for cell, found in measured.items()}
    write_json(out / "gaps.json", gaps)
    anatomy = {
        cell: {**anatomy_shift(examiner, synthetic, folders[cell]), "change": mean_change(synthetic, folders[cell])}
        for cell in study.cells
    }
    write_json(out / "anatomy.json", anatomy)
    segmenters = {REAL: {REAL: examiner}}
    segmenters |= {arm: {name: folders[name] for name in study.segmenters_of(arm)} for arm in study.arms}
    summaries = {
        arm: averaged([_scored(path, real, out / name) for name, path in found.items()])
        for arm, found in segmenters.items()
    }
    scores = {arm: score_table(summary, seed=study.seed) for arm, summary in summaries.items()}
    dice = {name: {**score["dice"], "mean": score["mean_dice"]} for name, score in scores.items()}
    write_json(out / "dice.json", dice)
    pairs = [(arm, BEFORE) for arm in study.arms[1:]] + [(FULL, arm) for arm in study.compared] + [(FULL, REAL)]
    differences = {f"{a}_minus_{b}": compare_arms(summaries[a], summaries[b], seed=study.seed) for a, b in pairs}
    write_json(out / "differences.json", differences)
    return {name: score["mean_dice"]["mean"] for name, score in scores.items()}


def _scored(segmenter: Path, real: Path, out: Path) -> dict[str, Any]:
    """Scores of a segmenter on every test frame."""
    evaluate_segmenter(segmenter, real, out)
    content: dict[str, Any] = json.loads((out / "summary.json").read_text(encoding="utf-8"))
    return content
