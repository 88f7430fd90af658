"""The adaptation study: a transthoracic generator learns the esophageal view from a few frames, and segmenters say what for.

base -> target -> few -> adapter -> shapes -> two synthetic sets -> four segmenters -> evaluate -> report

The arms differ in their training frames, and *affine* in its augmentation, alone; all are tested on the same patients.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from os import PathLike
from pathlib import Path
from typing import Any

from monai_echosynth.workflows.stages import Stage, StageContext, run_stages
from monai_echosynth.workflows.tee_arms import TEE_ARMS
from monai_echosynth.workflows.tee_settings import STRONG_AFFINE, TeeSettings
from monai_echosynth.workflows.training_settings import PRESETS, Preset

__all__ = ["run_tee_demo"]

_PRESET = Preset.QUICK


def run_tee_demo(
    out: str | PathLike[str],
    base: str | PathLike[str] | None = None,
    seed: int = 0,
    settings: TeeSettings | None = None,
) -> Path:
    """Run the study, or what is left of it.

    Args:
        out: folder of the study.
        base: trained ``echo_generative_diffusion`` bundle of the preset quick; trained here when omitted.
        seed: seed of everything.
        settings: sizes and budgets.

    Returns:
        Path of the report.

    Raises:
        EchoSynthError: the base is not usable.
    """
    root = Path(out).resolve()
    run_stages(tee_stages(None if base is None else Path(base).resolve(), seed, settings or TeeSettings()), root)
    return root / "report.html"


def tee_stages(base: Path | None, seed: int, study: TeeSettings) -> list[Stage]:
    """The stages of the study, in order."""
    budget = replace(study.segmentation, seed=seed)
    adaptation = replace(study.adaptation, seed=seed)
    drawn = {"count": study.synthetic // 2, "solver": study.solver, "nfe": study.nfe, "seed": seed}
    target = {"patients": study.patients, "n_test": study.n_test, "size": study.size, "seed": seed}
    generator: dict[str, Path | str] = {"bundle": "adapter"}
    stages = [] if base is not None else _base(study, seed)
    stages += [
        Stage("target", target, _target, weight=25),
        Stage("few", {"frames": study.frames}, _few, {"target": "target"}, weight=1),
        Stage("adapter", asdict(adaptation), _adapt(adaptation), {"base": base or "base", "frames": "few"}, weight=150),
        Stage("shapes", {"count": study.synthetic // 2, "seed": seed}, _shapes, {"frames": "few"}, weight=60),
        Stage("generate", drawn, _generate, {**generator, "masks": "few"}, weight=30),
        Stage("generate_shapes", drawn, _generate, {**generator, "masks": "shapes"}, weight=30),
    ]
    for arm, sources in TEE_ARMS.items():
        options = dict(STRONG_AFFINE) if arm == "affine" else {}
        inputs: dict[str, Path | str] = {source: source for source in {*sources, "few"}}
        run = _segmenter(sources, budget, options)
        stages.append(Stage(f"segmenter_{arm}", {**asdict(budget), **options}, run, inputs, weight=80))
    arms: dict[str, Path | str] = {arm: f"segmenter_{arm}" for arm in TEE_ARMS}
    made: dict[str, Path | str] = {"generate": "generate", "generate_shapes": "generate_shapes"}
    scored = {**arms, **made, "target": "target"}
    description = {"seed": seed, "frames": study.frames}
    reported = {**scored, "adapter": "adapter", "shapes": "shapes", "evaluation": "evaluate"}
    return [
        *stages,
        Stage("evaluate", {"seed": seed}, _evaluate, scored, "evaluation", weight=30),
        Stage("report", description, _report, reported, "report.html", ("summary.json",), 5),
    ]


def _base(study: TeeSettings, seed: int) -> list[Stage]:
    def data(context: StageContext) -> dict[str, Any]:
        from monai_echosynth.data.phantom import write_phantom
        from monai_echosynth.workflows.prepare import prepare

        write_phantom(context.folder / "phantom", study.base_patients, seed)
        size = PRESETS[_PRESET].spatial_size
        prepare(context.folder / "phantom", context.folder / "prepared", size=size, n_test=1, seed=seed)
        return {"patients": study.base_patients}

    def train(context: StageContext) -> dict[str, Any]:
        from monai_echosynth.workflows.train import train

        train(context.inputs["data"] / "prepared", context.folder, _PRESET, seed)
        return {}

    return [
        Stage("base_data", {"patients": study.base_patients, "seed": seed}, data, weight=30),
        Stage("base", {**asdict(PRESETS[_PRESET]), "seed": seed}, train, {"data": "base_data"}, weight=300),
    ]


def _target(context: StageContext) -> dict[str, Any]:
    from monai_echosynth.data.datalist import read_dataset_json
    from monai_echosynth.data.phantom import EsophagealView, write_phantom
    from monai_echosynth.workflows.prepare import prepare

    settings = context.settings
    source = context.folder / "phantom"
    write_phantom(source, settings["patients"], settings["seed"], views=[EsophagealView.FOUR_CHAMBER])
    chosen = {"size": settings["size"], "n_test": settings["n_test"], "seed": settings["seed"], "split": "random"}
    content = read_dataset_json(prepare(source, context.folder / "prepared", **chosen))
    return {section: len(content[section]) for section in ("training", "validation", "test")}


def _few(context: StageContext) -> dict[str, Any]:
    from monai_echosynth.data.subset import write_subset

    write_subset(context.inputs["target"] / "prepared", context.folder, context.settings["frames"])
    return {"frames": context.settings["frames"]}


def _adapt(settings: Any) -> Any:
    def run(context: StageContext) -> Mapping[str, Any]:
        from monai_echosynth.workflows.adapt import adapt

        return adapt(context.inputs["base"], context.inputs["frames"], context.folder, settings=settings)

    return run


def _shapes(context: StageContext) -> dict[str, Any]:
    from monai_echosynth.workflows.shape_study import run_shape_masks, run_shape_model

    seed = context.settings["seed"]
    found = run_shape_model(context.inputs["frames"], context.folder / "model", samples=100, seed=seed)
    model = context.folder / "model" / "shape_model.safetensors"
    run_shape_masks(model, context.folder, context.settings["count"], seed=seed)
    return {"modes": found["modes"], "generality_mm": found["generality_mm"]}


def _generate(context: StageContext) -> dict[str, Any]:
    from monai_echosynth.workflows.generate import generate

    return generate(context.inputs["bundle"], context.inputs["masks"], context.folder, **context.settings)


def _segmenter(sources: tuple[str, ...], budget: Any, options: dict[str, Any]) -> Any:
    def run(context: StageContext) -> Mapping[str, Any]:
        from monai_echosynth.workflows.segmentation import train_segmenter

        folders = [context.inputs[source] for source in sources]
        return train_segmenter(context.folder, folders, budget, val_dataset_dir=context.inputs["few"], **options)

    return run


def _evaluate(context: StageContext) -> dict[str, Any]:
    from monai_echosynth.workflows.tee_scores import score_tee_study

    return score_tee_study(context.inputs, context.folder, int(context.settings["seed"]))


def _report(context: StageContext) -> dict[str, Any]:
    from monai_echosynth.workflows.tee_report import write_tee_report

    write_tee_report(context.out, context.settings)
    return {}
