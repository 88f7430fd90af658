"""What the trainings of generators share: the config ids of a stage, edited configs, the last record of a training curve."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from monai_echosynth.data.atomic import write_json
from monai_echosynth.workflows.training_settings import StageBudget

__all__ = ["budget_ids", "edit_config", "finished_record", "stage_ids"]


def stage_ids(
    data: str | Path, out: Path, weights: Path, budget: StageBudget, seed: int, progress: bool
) -> dict[str, Any]:
    """Config ids of the training of one network."""
    return {
        "dataset_dir": str(data),
        "output_dir": str(out),
        "ckpt_dir": str(out / "checkpoints"),
        "weights_path": str(weights),
        "seed": seed,
        "progress": progress,
        **budget_ids(budget),
    }


def budget_ids(budget: StageBudget) -> dict[str, Any]:
    """Size and budget of a network as config ids."""
    names = ("size", "epochs", "samples_per_epoch", "batch_size", "learning_rate")
    return {name: getattr(budget, name) for name in names}


def finished_record(out: Path) -> dict[str, Any]:
    """Last record of the training curve; the checkpoint has done its duty and goes."""
    shutil.rmtree(out / "checkpoints", ignore_errors=True)
    records: list[dict[str, Any]] = json.loads((out / "history.json").read_text(encoding="utf-8"))
    return records[-1]


def edit_config(path: Path, values: Mapping[str, Any]) -> None:
    """Replaces top-level values of a JSON file."""
    write_json(path, {**json.loads(path.read_text(encoding="utf-8")), **values})
