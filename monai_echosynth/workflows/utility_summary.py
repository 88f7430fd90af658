"""``summary.json`` of the utility study, from the records and scores that its stages left."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from monai_echosynth.errors import EchoSynthError
from monai_echosynth.workflows.machine import describe_machine, package_versions
from monai_echosynth.workflows.stage_store import StageRecord, StageStore
from monai_echosynth.workflows.training_settings import whole_epochs
from monai_echosynth.workflows.utility_cells import Cell, cells, line_of, line_title, mean_share, sources
from monai_echosynth.workflows.utility_settings import Arm, UtilitySettings
from monai_echosynth.workflows.utility_stages import count_patients

__all__ = ["utility_summary"]

_METRICS = ("dice", "hd_mm", "hd95_mm")
_STUDY = (
    *("ratios", "masks", "augmentations", "mixing", "pool", "nfe", "solver", "compute_nfe", "compute_calls", "latents"),
    "seed",
)


def utility_summary(study: UtilitySettings, out: Path, source: str, stages: Sequence[str]) -> dict[str, Any]:
    """Everything that the report says, in numbers.

    Args:
        study: what was compared.
        out: folder of a study whose stages up to ``evaluate`` are finished.
        source: what the real frames are.
        stages: names of the study's stages.
    """
    records = StageStore(out).records([*stages, "evaluate"])
    patients = {count: records[f"patients_{count}"].metrics for count in {cell.patients for cell in cells(study)}}
    some = out / "patients" / str(study.patients[0])
    known = records[f"patients_{study.patients[0]}"].metrics
    return {
        "data": {
            "source": source,
            "size": study.size,
            "validation": known["validation"],
            "test": known["test"],
            "test_patients": count_patients(some, "test"),
            "real": {
                str(count): {key: row[key] for key in ("patients", "training")} for count, row in patients.items()
            },
        },
        "settings": {key: value for key, value in asdict(study).items() if key in _STUDY},
        "budget": {**asdict(study.segmentation), "iterations": _steps(study)},
        "utility": {cell.name: _cell(cell, study, out, records) for cell in cells(study)},
        "paired_difference": _read(out / "evaluation" / "differences.json"),
        "generators": {
            name.removeprefix("generator_"): row.metrics for name, row in _of(records, "generator_").items()
        },
        "sets": {
            made.name: {
                **{key: getattr(made, key) for key in ("arm", "patients", "masks")},
                **{
                    key: records[f"set_{made.name}"].metrics.get(key)
                    for key in ("count", "nfe", "calls", "images_per_second")
                },
                **records[f"judge_{made.name}"].metrics,
            }
            for made in sources(study)
        },
        "timing_s": {name: row.seconds for name, row in records.items()},
        "peak_memory_mb": max(row.peak_memory_mb for row in records.values()),
        "versions": package_versions(),
        "machine": describe_machine(),
        "seed": study.seed,
    }


def _cell(cell: Cell, study: UtilitySettings, out: Path, records: Mapping[str, StageRecord]) -> dict[str, Any]:
    scores = _read(out / "scores" / cell.name / "scores.json")
    known = records[f"patients_{cell.patients}"].metrics
    real, synthetic = 0 if cell.alone else known["training"], 0
    if cell.source is not None:
        stage = f"set_{cell.source.name}" if cell.ratio is None else f"head_{cell.frames}"
        synthetic = records[stage].metrics["count" if cell.ratio is None else "synthetic"]
    trained = records[f"segmenter_{cell.name}"].metrics
    if trained["frames"] != real + synthetic:
        raise EchoSynthError(
            f"the segmenter {cell.name} must see {real + synthetic} frames, got {trained['frames']}: delete its record in "
            f"{out / 'stages'} and run again"
        )
    epochs = _steps(study) // min(study.segmentation.epoch_iterations, study.segmentation.iterations)
    source = cell.source
    return {
        "arm": cell.arm,
        "line": line_of(cell),
        "title": line_title(cell, study),
        "patients": known["patients"],
        "all_patients": cell.patients == "all",
        "real_frames": real,
        "synthetic_frames": synthetic,
        "ratio": cell.ratio,
        "share_of_synthetic": round(mean_share(cell, study.mixing, real, synthetic, epochs), 4),
        "masks": source and source.masks,
        "nfe": None if source is None or source.arm not in (Arm.DIFFUSION, Arm.ADAPTED) else source.nfe or study.nfe,
        "augmentation": cell.augmentation if cell.arm is not Arm.AFFINE else "strong",
        "iterations": trained["iterations"],
        **{metric: scores[metric] for metric in _METRICS},
        "dice": {**scores["dice"], "mean": scores["mean_dice"]},
    }


def _of(records: Mapping[str, StageRecord], prefix: str) -> dict[str, StageRecord]:
    return {name: row for name, row in records.items() if name.startswith(prefix)}


def _read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def _steps(study: UtilitySettings) -> int:
    """Optimizer steps that every segmenter makes."""
    return whole_epochs(study.segmentation.iterations, study.segmentation.epoch_iterations)[0]
