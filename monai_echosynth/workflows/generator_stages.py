"""What the stages of the generator study do."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from monai_echosynth.workflows.generator_grid import GAN, Cell
from monai_echosynth.workflows.generator_plan import PHANTOM_VIEWS, StudyPlan
from monai_echosynth.workflows.phantom_stage import phantom_data, prepared
from monai_echosynth.workflows.stages import StageContext

__all__ = [
    "Run",
    "classified",
    "first_stage",
    "generator",
    "phantom",
    "quality",
    "segmented",
    "synthetic",
    "throughput",
]

Run = Callable[[StageContext], Mapping[str, Any]]

_PAIRS: Final = 32
"""Pairs of a kind that similarity is measured on, at most."""
_TIMED: Final = 8
"""Frames that throughput is measured on, at least: a set that an interruption left almost complete is timed anew."""


def phantom(progress: bool) -> Run:
    """Simulates both apical views."""

    def run(context: StageContext) -> Mapping[str, Any]:
        return phantom_data(context, PHANTOM_VIEWS, progress)

    return run


def first_stage(plan: StudyPlan, family: str, progress: bool) -> Run:
    """Trains the gamma-VAE of the families with latents of one size."""

    def run(context: StageContext) -> Mapping[str, Any]:
        from monai_echosynth.workflows.train import train_first_stage

        settings = plan.diffusion(family)
        train_first_stage(prepared(context.inputs["data"]), context.folder, settings, plan.grid.seed, progress)
        return {"size": settings.autoencoder.size}

    return run


def generator(plan: StudyPlan, family: str, progress: bool) -> Run:
    """Trains a family."""

    def run(context: StageContext) -> Mapping[str, Any]:
        data = prepared(context.inputs["data"])
        if family == GAN:
            from monai_echosynth.workflows.gan import train_gan

            return train_gan(data, context.folder, seed=plan.grid.seed, progress=progress, settings=plan.gan)
        from monai_echosynth.diffusion.family import named_family
        from monai_echosynth.workflows.train import train_family

        learned = (plan.diffusion(family), plan.grid.seed, plan.conditioned)
        train_family(data, context.folder, named_family(family), *learned, context.inputs.get("autoencoder"), progress)
        return {"weights_mb": round((context.folder / "models" / "diffusion.safetensors").stat().st_size / 1e6, 1)}

    return run


def synthetic(plan: StudyPlan, cell: Cell, progress: bool) -> Run:
    """Draws the set of a cell, and times it."""

    def run(context: StageContext) -> Mapping[str, Any]:
        from monai_echosynth.workflows.generate import generate

        bundle, masks = context.inputs["generator"], prepared(context.inputs["data"])
        sampling: dict[str, Any] = {} if cell.solver is None else {"solver": cell.solver, "nfe": cell.nfe}
        options = {**sampling, "seed": plan.grid.seed, "batch_size": plan.grid.batch_size, "progress": progress}
        made = timed = generate(bundle, masks, context.folder, plan.grid.frames, **options)
        if made["new"] < min(_TIMED, made["count"]):
            with tempfile.TemporaryDirectory(prefix=".timing-", dir=context.out) as folder:
                timed = generate(bundle, masks, Path(folder) / "set", min(_TIMED, made["count"]), **options)
        return {"count": made["count"], "nfe": timed["nfe"], "solver": timed["solver"], "throughput": throughput(timed)}

    return run


def throughput(made: Mapping[str, Any]) -> dict[str, Any]:
    """Images a second end to end, from masks to files, and of each part by itself; None of a part that there is not.

    Args:
        made: what :func:`monai_echosynth.workflows.generate.generate` returned, with new images.
    """
    parts = {"end_to_end": "run", **{name: name for name in ("sampling", "decoding", "writing")}}
    seconds = {name: made["parts"].get(part) for name, part in parts.items()}
    return {"images": made["new"], **{name: spent and round(made["new"] / spent, 3) for name, spent in seconds.items()}}


def segmented(plan: StudyPlan, progress: bool) -> Run:
    """Trains a segmenter on the input ``frames`` and scores it on real test patients."""

    def run(context: StageContext) -> Mapping[str, Any]:
        from monai_echosynth.workflows.evaluate import train_and_evaluate

        frames, real = (prepared(context.inputs[name]) for name in ("frames", "data"))
        out = context.folder.parent / "segmentation"
        return train_and_evaluate(context.folder, frames, real, out, plan.segmentation, progress)

    return run


def classified(plan: StudyPlan, progress: bool) -> Run:
    """Trains a view classifier on the input ``frames`` and scores it on real test patients."""

    def run(context: StageContext) -> Mapping[str, Any]:
        from monai_echosynth.workflows.view_scores import train_and_evaluate_views

        frames, real = (prepared(context.inputs[name]) for name in ("frames", "data"))
        out = context.folder.parent / "classification"
        return train_and_evaluate_views(context.folder, [frames], real, out, plan.classifier, progress)

    return run


def quality(plan: StudyPlan) -> Run:
    """Distribution metrics and mask adherence of the input ``frames`` by the segmenter of real frames, the input ``judge``."""

    def run(context: StageContext) -> Mapping[str, Any]:
        from monai_echosynth.workflows.metrics_study import MetricsSettings, run_metrics

        frames, real = (prepared(context.inputs[name]) for name in ("frames", "data"))
        judge, seed = context.inputs["judge"], plan.grid.seed
        settings = MetricsSettings(segmenter=judge, floor_section=None, pairs=_PAIRS, seed=seed)
        found = run_metrics(real, frames, context.folder, settings, progress=False)
        kept = {name: found["distribution"][name] for name in ("kid", "fid", "precision", "recall")}
        return {**kept, "adherence": found["adherence"]["synthetic"], "extractor": found["extractor"]}

    return run
