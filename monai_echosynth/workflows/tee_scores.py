"""Scores of the adaptation study: every segmenter on the test patients, paired differences, and the synthetic sets themselves.

Synthetic frames are judged by the segmenter that saw all target frames: its Dice against the masks they were made from
(adherence), and the kernel distance (KID) to the test frames in its features.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from monai_echosynth.data.atomic import write_json
from monai_echosynth.workflows.evaluate import compare_arms, evaluate_segmenter, mask_adherence
from monai_echosynth.workflows.image_distance import image_distance
from monai_echosynth.workflows.phantom_stage import prepared
from monai_echosynth.workflows.tee_names import REFERENCE, cells, segmenters, synthetic_sets
from monai_echosynth.workflows.tee_settings import TeeSettings

__all__ = ["pairs", "score_tee_study"]


def pairs(study: TeeSettings) -> list[tuple[str, str]]:
    """Segmenters whose difference is reported, first minus second."""
    found = []
    for cell, (count, name) in cells(study).items():
        if name:
            found.append((f"synthetic_{cell}", f"synthetic_{count}"))
            continue
        found += [(f"mixed_{cell}", f"real_{count}"), (f"mixed_{cell}", f"affine_{count}")]
        found += [(f"aligned_{cell}", f"{arm}_{count}") for arm in ("real", "affine", "mixed")]
        found += [(f"affine_{count}", f"real_{count}"), (f"synthetic_{cell}", f"real_{count}")]
    return found


def score_tee_study(study: TeeSettings, folders: Mapping[str, Path], out: Path) -> dict[str, Any]:
    """Evaluate every segmenter and synthetic set; write ``dice.json``, ``differences.json`` and ``synthetic.json`` to ``out``.

    Args:
        study: sizes and budgets.
        folders: ``target``, ``segmenter_<name>`` by its name, and each synthetic set by its name.
        out: folder to write.

    Returns:
        Mean Dice by segmenter.
    """
    target = prepared(folders["target"])
    scores = {
        name: evaluate_segmenter(folders[name], target, out / name, seed=study.seed) for name in segmenters(study)
    }
    summaries = {name: json.loads((out / name / "summary.json").read_text(encoding="utf-8")) for name in scores}
    differences = {f"{a}_minus_{b}": compare_arms(summaries[a], summaries[b], seed=study.seed) for a, b in pairs(study)}
    judge, made = folders[REFERENCE], {}
    for name in synthetic_sets(study):
        adherence = mask_adherence(judge, folders[name], out / f"adherence_{name}", seed=study.seed)
        distance = image_distance(judge, target, folders[name], seed=study.seed)
        made[name] = {"adherence": adherence["mean_dice"], "kid": distance.value, "kid_sd": distance.sd}
    write_json(
        out / "dice.json", {name: {**score["dice"], "mean": score["mean_dice"]} for name, score in scores.items()}
    )
    write_json(out / "differences.json", differences)
    write_json(out / "synthetic.json", made)
    return {name: score["mean_dice"]["mean"] for name, score in scores.items()}
