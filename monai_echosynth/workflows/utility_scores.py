"""Paired differences between the segmenters of the utility study, on the same test frames, with intervals over patients."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from monai_echosynth.data.atomic import write_json
from monai_echosynth.workflows.evaluate import compare_arms
from monai_echosynth.workflows.utility_cells import cells, pairs
from monai_echosynth.workflows.utility_settings import UtilitySettings

__all__ = ["compare_cells"]

_METRICS = {"dice": "Dice", "hd95_mm": "HD95", "hd_mm": "HD"}


def compare_cells(study: UtilitySettings, folders: Mapping[str, Path], out: Path) -> dict[str, Any]:
    """Write ``differences.json``: ``<first>_minus_<second>`` to metric to structure to mean and interval.

    Args:
        study: what was compared.
        folders: ``score_<cell>`` to the folder of its ``summary.json``.
        out: folder to write.

    Returns:
        Mean difference of the mean Dice by pair.
    """
    summaries = {
        cell.name: json.loads((folders[f"score_{cell.name}"] / "summary.json").read_text(encoding="utf-8"))
        for cell in cells(study)
    }
    differences = {}
    for first, second in pairs(study):
        a, b = summaries[first.name], summaries[second.name]
        differences[f"{first.name}_minus_{second.name}"] = {
            key: compare_arms(a, b, metric, seed=study.seed) for key, metric in _METRICS.items()
        }
    write_json(out / "differences.json", differences)
    return {name: rows["dice"]["mean"]["mean"] for name, rows in differences.items()}
