"""What the stages of the study of guided diffusion do."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from monai_echosynth.data.atomic import atomic_path, write_json
from monai_echosynth.data.datalist import load_datalist, read_dataset_json
from monai_echosynth.data.read_frame import read_pixels
from monai_echosynth.data.resample import resample_image
from monai_echosynth.workflows.guided_settings import GuidedSettings
from monai_echosynth.workflows.stages import StageContext
from monai_echosynth.workflows.view_classification import ViewSettings

__all__ = ["Run", "classifier", "evaluated", "generated", "generator", "phantom", "strengths"]

Run = Callable[[StageContext], Mapping[str, Any]]

_SHOWN = 8
"""Pictures of a class in the overview."""


def phantom(context: StageContext) -> dict[str, Any]:
    """Breast pictures, prepared."""
    from monai_echosynth.data.phantom import write_lesion_phantom
    from monai_echosynth.workflows.prepare import prepare

    settings = context.settings
    raw = write_lesion_phantom(context.folder / "phantom", settings["pictures"], settings["seed"])
    sizes = {"size": settings["size"], "n_test": settings["n_test"], "max_train": settings["pictures"]}
    content = read_dataset_json(prepare(raw, context.folder / "prepared", **sizes, seed=settings["seed"]))
    return {section: len(content[section]) for section in ("training", "validation", "test")}


def classifier(settings: ViewSettings) -> Run:
    """Trains the classifier on real pictures."""

    def run(context: StageContext) -> Mapping[str, Any]:
        from monai_echosynth.workflows.view_classification import train_view_classifier

        seeded = replace(settings, seed=context.settings["seed"])
        return train_view_classifier(context.folder, [_prepared(context)], seeded)

    return run


def generator(settings: GuidedSettings) -> Run:
    """Trains the guided generator on the same pictures."""

    def run(context: StageContext) -> Mapping[str, Any]:
        from monai_echosynth.workflows.guided_training import train_guided

        return train_guided(_prepared(context), context.folder, settings, context.settings["seed"])

    return run


def generated(context: StageContext) -> dict[str, Any]:
    """Pictures of all classes in turn."""
    from monai_echosynth.workflows.guide import guide

    return guide(context.inputs["generator"], context.folder, **context.settings)


def strengths(context: StageContext) -> dict[str, Any]:
    """Held-out frames with more and more noise; mean distance to their reconstructions, in gray levels."""
    from monai_echosynth.workflows.guide import guide

    settings = dict(context.settings)
    values, count = settings.pop("strengths"), settings.pop("frames")
    frames = _frames(context, count)
    sets = {}
    for strength in values:
        folder = context.folder / f"strength_{strength:g}"
        guide(context.inputs["generator"], folder, frames=frames, strength=strength, count=3 * count, **settings)
        sets[strength] = _pictures(folder)
    kept = sets[values[0]]
    return {f"{strength:g}": float(np.abs(made - kept).mean()) for strength, made in sets.items()}


def evaluated(context: StageContext) -> dict[str, Any]:
    """Accuracies of the classifier, the distances, and an overview of the pictures."""
    from monai_echosynth.workflows.view_scores import evaluate_view_classifier

    data, synthetic = _prepared(context), context.inputs["synthetic"]
    arms = {"training": (data, "training"), "test": (data, "test"), "generated": (synthetic, "training")}
    bundle, seed = context.inputs["classifier"], context.settings["seed"]
    scores = {
        name: evaluate_view_classifier(bundle, folder, context.folder / name, section, seed=seed)
        for name, (folder, section) in arms.items()
    }
    record = json.loads((context.out / "stages" / "strengths.json").read_text(encoding="utf-8"))
    summary = {
        "accuracy": {name: {**score["accuracy"], "frames": score["frames"]} for name, score in scores.items()},
        "confusion": scores["generated"]["confusion"],
        "distances": record["metrics"],
    }
    _draw_overview(context.out / "pictures.png", data, synthetic)
    write_json(context.out / "summary.json", summary)
    return summary


def _prepared(context: StageContext) -> Path:
    """The prepared folder that is given, or lies in that of the stage ``data``."""
    folder = context.inputs["data"]
    return folder if (folder / "dataset.json").is_file() else folder / "prepared"


def _frames(context: StageContext, count: int) -> Path:
    """A folder with the first held-out frames on the generator's grid."""
    from monai_echosynth.data.write_nifti import write_nifti

    data = _prepared(context)
    size = read_dataset_json(data)["spatial_size"]
    for item in load_datalist(data, "test")[:count]:
        pixels = read_pixels(Path(item["image"]))
        gray = np.rint(resample_image(pixels.array, (size[0], size[1]))).astype(np.uint8)
        write_nifti(context.folder / "frames" / f"{item['id']}.nii.gz", gray, pixels.spacing)
    return context.folder / "frames"


def _pictures(folder: Path) -> NDArray[np.float64]:
    items = load_datalist(folder, "training")
    return np.stack([read_pixels(Path(item["image"])).array.astype(np.float64) for item in items])


def _draw_overview(path: Path, data: Path, synthetic: Path) -> None:
    """A row of real and a row of generated pictures for each class."""
    rows = []
    pools = (load_datalist(data, "training"), load_datalist(synthetic, "training"))
    for name in sorted({str(item["view"]) for item in pools[1]}):
        for pool in pools:
            chosen = [item for item in pool if item["view"] == name][:_SHOWN]
            row = [read_pixels(Path(item["image"])).array.T for item in chosen]
            blank = np.zeros_like(row[0])
            rows.append(np.concatenate([*row, *[blank] * (_SHOWN - len(row))], axis=1))
    with atomic_path(path) as partial:
        Image.fromarray(np.concatenate(rows).astype(np.uint8)).save(partial, format="PNG")
