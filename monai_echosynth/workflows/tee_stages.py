"""What the stages of the adaptation study do."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from monai_echosynth.workflows.adaptation_settings import AdaptationSettings
from monai_echosynth.workflows.phantom_stage import phantom_data, prepared
from monai_echosynth.workflows.segmentation import SegmentationSettings
from monai_echosynth.workflows.stages import StageContext
from monai_echosynth.workflows.training_settings import PRESETS, Preset

__all__ = ["Run", "adapter", "base", "base_data", "few", "generate_set", "segmenter", "shapes", "target"]

Run = Callable[[StageContext], Mapping[str, Any]]


def base_data(context: StageContext) -> dict[str, Any]:
    """Phantom of the chest wall, prepared."""
    from monai_echosynth.data.phantom import write_phantom
    from monai_echosynth.workflows.prepare import prepare

    settings = context.settings
    write_phantom(context.folder / "phantom", settings["patients"], settings["seed"])
    size = PRESETS[Preset.QUICK].spatial_size
    prepare(context.folder / "phantom", context.folder / "prepared", size=size, n_test=1, seed=settings["seed"])
    return {"patients": settings["patients"]}


def base(context: StageContext) -> dict[str, Any]:
    """Generator of the chest wall."""
    from monai_echosynth.workflows.train import train

    train(context.inputs["data"] / "prepared", context.folder, Preset.QUICK, context.settings["seed"])
    return {}


def target(context: StageContext) -> dict[str, Any]:
    """Phantom from the esophagus, prepared."""
    return phantom_data(context, ["ME4C"])


def few(context: StageContext) -> dict[str, Any]:
    """The first frames of the target."""
    from monai_echosynth.data.subset import write_subset

    write_subset(prepared(context.inputs["target"]), context.folder, context.settings["frames"])
    return {"frames": context.settings["frames"]}


def shapes(context: StageContext) -> dict[str, Any]:
    """Shape model of the frames, and masks drawn from it."""
    from monai_echosynth.workflows.shape_study import run_shape_masks, run_shape_model

    seed = context.settings["seed"]
    found = run_shape_model(context.inputs["frames"], context.folder / "model", samples=100, seed=seed)
    model = context.folder / "model" / "shape_model.safetensors"
    run_shape_masks(model, context.folder, context.settings["count"], seed=seed)
    return {"modes": found["modes"], "generality_mm": found["generality_mm"]}


def adapter(settings: AdaptationSettings, rules: Path | None) -> Run:
    """Adapts the base to the frames."""

    def run(context: StageContext) -> Mapping[str, Any]:
        from monai_echosynth.workflows.adapt import adapt

        return adapt(context.inputs["base"], context.inputs["frames"], context.folder, rules, settings)

    return run


def generate_set(context: StageContext) -> dict[str, Any]:
    """Synthetic frames with the masks' labels."""
    from monai_echosynth.workflows.generate import generate

    return generate(context.inputs["bundle"], context.inputs["masks"], context.folder, **context.settings)


def segmenter(sources: Sequence[str], budget: SegmentationSettings, options: Mapping[str, Any]) -> Run:
    """Trains on the inputs named in ``sources``; the input ``watched`` has the validation frames."""

    def run(context: StageContext) -> Mapping[str, Any]:
        from monai_echosynth.workflows.segmentation import train_segmenter

        folders = [prepared(context.inputs[source]) for source in sources]
        watched = prepared(context.inputs["watched"])
        return train_segmenter(context.folder, folders, budget, val_dataset_dir=watched, **options)

    return run
