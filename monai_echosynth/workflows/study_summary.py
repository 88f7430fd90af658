"""``summary.json`` of a study, collected from the records of its stages and its scores."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from monai_echosynth.data.atomic import write_json
from monai_echosynth.data.datalist import read_dataset_json
from monai_echosynth.workflows.machine import describe_machine, package_versions

__all__ = ["write_summary"]

_LABELS = ("lv_endo", "myo", "la")


def write_summary(out: Path, description: Mapping[str, Any]) -> dict[str, Any]:
    """Write ``OUT/summary.json`` and return its content.

    Args:
        out: folder of a study whose stages up to ``evaluate`` are finished.
        description: ``preset``, ``seed`` and ``source``.
    """
    stages = {path.stem: _read(path) for path in sorted((out / "stages").glob("*.json"))}
    stages = {name: record for name, record in stages.items() if "seconds" in record}
    metrics = {name: record["metrics"] for name, record in stages.items()}
    scores = {
        arm: _read(out / "evaluation" / arm / "scores.json") for arm in ("real", "synthetic", "mixed", "adherence")
    }
    summary = {
        "data": {**_frames(out / "prepared"), "source": description["source"]},
        "vae": {key: metrics["autoencoder"][key] for key in ("psnr_in_sector", "ssim_in_sector", "kl", "latent_std")},
        "diffusion": {key: metrics["diffusion"][key] for key in ("params", "epochs", "final_loss")},
        "generation": {key: metrics["generate"][key] for key in ("count", "nfe", "solver", "images_per_second")},
        "tstr": {arm: _arm(scores[arm]) for arm in ("real", "synthetic", "mixed")},
        "ratio_synthetic_to_real": _ratios(scores["synthetic"], scores["real"]),
        "paired_difference": _read(out / "evaluation" / "bootstrap.json"),
        "mask_adherence": {name: scores["adherence"]["dice"][name]["mean"] for name in _LABELS}
        | {"mean": scores["adherence"]["mean_dice"]["mean"]},
        "timing_s": {name: record["seconds"] for name, record in stages.items()},
        "peak_memory_mb": max(record["peak_memory_mb"] for record in stages.values()),
        "versions": package_versions(),
        "machine": describe_machine(),
        "seed": description["seed"],
        "preset": description["preset"],
    }
    write_json(out / "summary.json", summary)
    return summary


def _frames(prepared: Path) -> dict[str, int]:
    content = read_dataset_json(prepared)
    train, test = content["training"] + content["validation"], content["test"]
    return {
        "n_train": len(train),
        "n_test": len(test),
        "patients_train": len({item["patient"] for item in train}),
        "patients_test": len({item["patient"] for item in test}),
    }


def _arm(scores: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **scores["dice"],
        "mean": scores["mean_dice"],
        "hd95_mm": {name: value["mean"] for name, value in scores["hd95_mm"].items()},
    }


def _ratios(synthetic: Mapping[str, Any], real: Mapping[str, Any]) -> dict[str, float]:
    """Dice of the synthetic arm over that of the real one, per structure and for the mean over the three labels."""
    ratios = {name: synthetic["dice"][name]["mean"] / real["dice"][name]["mean"] for name in _LABELS}
    return {**ratios, "mean": synthetic["mean_dice"]["mean"] / real["mean_dice"]["mean"]}


def _read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content
