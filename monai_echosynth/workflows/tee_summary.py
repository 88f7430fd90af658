"""``summary.json`` of the adaptation study, from the records and scores that its stages left."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from monai_echosynth.data.datalist import load_datalist, read_dataset_json
from monai_echosynth.workflows.machine import describe_machine, package_versions
from monai_echosynth.workflows.tee_names import aligned, cells, generated
from monai_echosynth.workflows.tee_settings import TeeSettings

__all__ = ["read_json", "tee_summary"]

_MASKS = ("masks_of_frames", "masks_of_shape_model")


def tee_summary(study: TeeSettings, out: Path, source: str) -> dict[str, Any]:
    """Everything that the report says, in numbers.

    Args:
        study: sizes and budgets.
        out: folder of a study whose stages up to ``evaluate`` are finished.
        source: what the target frames are.
    """
    records = {path.stem: read_json(path) for path in sorted((out / "stages").glob("*.json"))}
    records = {name: record for name, record in records.items() if "seconds" in record}
    made = read_json(out / "evaluation" / "synthetic.json")
    content = read_dataset_json(out / f"few_{study.frames[0]}")
    frames = {section: len(content.get(section, [])) for section in ("validation", "test")}
    patients = {item["patient"] for item in load_datalist(out / f"few_{study.frames[0]}", "test")}
    adaptations = {}
    for cell, (count, name) in cells(study).items():
        record = records[f"adapter_{cell}"]
        kept = {key: record["settings"][key] for key in ("method", "groups", "rank", "learning_rate")}
        sets: dict[str, Any] = dict(zip(_MASKS, (made[key] for key in generated(cell)), strict=True))
        if not name:
            sets["aligned"] = dict(zip(_MASKS, (made[key] for key in aligned(cell)), strict=True))
        adaptations[cell] = {"name": name or "default", "frames": count, **kept, **record["metrics"], **sets}
    return {
        "data": {"source": source, "frames": list(study.frames), **frames, "test_patients": len(patients)},
        "adaptations": adaptations,
        "shapes": {str(count): records[f"shapes_{count}"]["metrics"] for count in study.frames},
        "dice": read_json(out / "evaluation" / "dice.json"),
        "paired_difference": read_json(out / "evaluation" / "differences.json"),
        "timing_s": {name: record["seconds"] for name, record in records.items()},
        "peak_memory_mb": max(record["peak_memory_mb"] for record in records.values()),
        "versions": package_versions(),
        "machine": describe_machine(),
        "seed": study.seed,
    }


def read_json(path: Path) -> dict[str, Any]:
    """Content of a JSON object."""
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content
