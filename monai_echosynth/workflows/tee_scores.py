"""Scores of the arms of the adaptation study on the test patients, their paired differences, and adherence to the masks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from monai_echosynth.data.atomic import write_json
from monai_echosynth.workflows.evaluate import compare_arms, evaluate_segmenter, mask_adherence
from monai_echosynth.workflows.tee_arms import TEE_ARMS

__all__ = ["PAIRS", "score_tee_study"]

PAIRS = (("mixed", "real"), ("mixed", "affine"), ("affine", "real"), ("synthetic", "real"))
"""Arms whose difference is reported, first minus second."""

SETS = ("generate", "generate_shapes")


def score_tee_study(folders: Mapping[str, Path], out: Path, seed: int) -> dict[str, Any]:
    """Evaluate every arm and write ``<arm>/scores.json``, ``adherence_*/scores.json`` and ``differences.json`` below ``out``.

    Args:
        folders: segmenter bundles by arm, ``target`` with the prepared folder, and the synthetic sets.
        out: folder to write.
        seed: seed of the bootstrap.

    Returns:
        Mean Dice by arm and adherence of each set.
    """
    prepared = folders["target"] / "prepared"
    scores = {arm: evaluate_segmenter(folders[arm], prepared, out / arm, seed=seed) for arm in TEE_ARMS}
    adherence = {
        name: mask_adherence(folders["mixed"], folders[name], out / f"adherence_{name}", seed=seed) for name in SETS
    }
    summaries = {arm: json.loads((out / arm / "summary.json").read_text(encoding="utf-8")) for arm in TEE_ARMS}
    differences = {f"{a}_minus_{b}": compare_arms(summaries[a], summaries[b], seed=seed) for a, b in PAIRS}
    write_json(out / "differences.json", differences)
    means = {arm: score["mean_dice"]["mean"] for arm, score in scores.items()}
    return {**means, **{f"adherence_{name}": found["mean_dice"]["mean"] for name, found in adherence.items()}}
