"""Scores of the three arms on real test patients, their paired differences, and mask adherence of the synthetic set."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from monai_echosynth.data.atomic import write_json
from monai_echosynth.workflows.evaluate import compare_arms, evaluate_segmenter, mask_adherence

__all__ = ["score_study"]

ARMS = ("real", "synthetic", "mixed")


def score_study(folders: Mapping[str, Path], out: Path, seed: int) -> dict[str, Any]:
    """Evaluate every arm and write ``<arm>/scores.json``, ``adherence/scores.json`` and ``bootstrap.json`` below ``out``.

    Args:
        folders: segmenter bundles by arm, ``prepared`` and ``synthetic_set``.
        out: folder to write.
        seed: seed of the bootstrap.

    Returns:
        Mean Dice by arm and mask adherence.
    """
    scores = {arm: evaluate_segmenter(folders[arm], folders["prepared"], out / arm, seed=seed) for arm in ARMS}
    adherence = mask_adherence(folders["real"], folders["synthetic_set"], out / "adherence", seed=seed)
    summaries = {arm: json.loads((out / arm / "summary.json").read_text(encoding="utf-8")) for arm in ARMS}
    pairs = {
        f"{arm}_minus_real": compare_arms(summaries[arm], summaries["real"], seed=seed)
        for arm in ("synthetic", "mixed")
    }
    write_json(out / "bootstrap.json", pairs)
    means = {arm: score["mean_dice"]["mean"] for arm, score in scores.items()}
    return {**means, "mask_adherence": adherence["mean_dice"]["mean"]}
