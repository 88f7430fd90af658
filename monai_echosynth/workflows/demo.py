"""The whole study: frames in, a report out.

data -> prepare -> autoencoder -> latents -> diffusion -> generate -> three segmenters -> evaluate -> bundles -> report

Each stage stands in its own folder below the study's and is skipped when it is finished (see
:mod:`~monai_echosynth.workflows.stages`). The arms *real*, *synthetic* and *mixed* differ in their training frames alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from monai_echosynth.errors import EchoSynthError
from monai_echosynth.workflows.stages import Stage, StageContext, run_stages
from monai_echosynth.workflows.study_presets import STUDIES, StudySettings
from monai_echosynth.workflows.training_settings import GenerativeSettings, Preset

__all__ = ["ARMS", "run_demo"]

ARMS: Mapping[str, tuple[str, ...]] = {
    "real": ("prepare",),
    "synthetic": ("generate",),
    "mixed": ("prepare", "generate"),
}
"""Arm of the study to the stages whose frames it trains on."""

_SHOWN_MASKS, _SHOWN_SEEDS = 5, 4
"""Held-out masks that the report shows, and images of each."""


def run_demo(
    data: str | Path | None,
    out: str | Path,
    preset: Preset | str = Preset.QUICK,
    seed: int = 0,
    settings: StudySettings | None = None,
) -> Path:
    """Run the study, or what is left of it.

    Args:
        data: folder of real frames; the embedded phantom when ``None``.
        out: folder of the study.
        preset: sizes and budgets.
        seed: seed of everything.
        settings: sizes and budgets in full, instead of those of the preset.

    Returns:
        Path of the report.

    Raises:
        EchoSynthError: bad input.
    """
    if data is not None and not Path(data).is_dir():
        raise EchoSynthError(
            f"a data folder was expected, got {data}: check the path, or leave it out to use the phantom"
        )
    preset = Preset(preset)
    root = Path(out).resolve()
    run_stages(study_stages(data, preset, seed, settings or STUDIES[preset]), root)
    return root / "report.html"


def study_stages(data: str | Path | None, preset: Preset, seed: int, study: StudySettings) -> list[Stage]:
    """The stages of a study, in order."""
    stages = [] if data is not None else [_phantom(study, seed)]
    source: Path | str = "data" if data is None else Path(data).resolve()
    stages += [_prepare(source, study, seed), *_generative(study, seed)]
    stages += [_segmenter(arm, inputs, study, seed) for arm, inputs in ARMS.items()]
    segmenters: dict[str, Path | str] = {arm: f"segmenter_{arm}" for arm in ARMS}
    evaluation = {**segmenters, "prepared": "prepare", "synthetic_set": "generate"}
    networks: dict[str, Path | str] = {name: name for name in ("autoencoder", "diffusion", "texture")}
    reported = {**networks, **evaluation, "evaluation": "evaluate", "showcase": "showcase"}
    description = {"preset": str(preset), "seed": seed, "source": "phantom" if data is None else Path(data).name}
    return [
        *stages,
        Stage("evaluate", {"seed": seed}, _run_evaluate, evaluation, "evaluation", weight=25, version=2),
        Stage("bundles", asdict(study.generative), _run_bundles, {**networks, **segmenters}, weight=5),
        Stage("report", description, _run_report, reported, "report.html", ("summary.json",), 15),
    ]


def _phantom(study: StudySettings, seed: int) -> Stage:
    def run(context: StageContext) -> dict[str, Any]:
        from monai_echosynth.data.phantom import write_phantom

        write_phantom(context.folder, study.phantom_patients, seed, views=study.phantom_views)
        return {"patients": study.phantom_patients}

    return Stage(
        "data", {"patients": study.phantom_patients, "views": list(study.phantom_views), "seed": seed}, run, weight=30
    )


def _prepare(source: Path | str, study: StudySettings, seed: int) -> Stage:
    settings: dict[str, Any] = {"size": study.generative.spatial_size, "n_test": study.n_test}
    settings |= {"max_train": study.max_train, "seed": seed}

    def run(context: StageContext) -> dict[str, Any]:
        from monai_echosynth.data.datalist import read_dataset_json
        from monai_echosynth.data.discover import discover
        from monai_echosynth.workflows.prepare import prepare

        patients = len({record.patient for record in discover(context.inputs["source"])})
        chosen = {**settings, "n_test": min(study.n_test, max(1, patients // 5))}  # small folders test fewer
        content = read_dataset_json(prepare(context.inputs["source"], context.folder, **chosen))
        return {section: len(content[section]) for section in ("training", "validation", "test")}

    return Stage("prepare", settings, run, {"source": source}, "prepared", weight=15)


def _generative(study: StudySettings, seed: int) -> list[Stage]:
    settings, sampling = study.generative, study.sampling

    def autoencoder(context: StageContext) -> dict[str, Any]:
        from monai_echosynth.workflows.reconstructions import draw_reconstructions
        from monai_echosynth.workflows.train import train_autoencoder

        data, weights = context.inputs["frames"], context.folder / "autoencoder.safetensors"
        metrics = train_autoencoder(data, context.folder, weights, settings, seed)
        draw_reconstructions(data, weights, settings.autoencoder.size, context.folder / "reconstructions.png")
        return metrics

    def texture(context: StageContext) -> dict[str, Any]:
        from monai_echosynth.workflows.texture import fit_texture

        autoencoder = context.inputs["autoencoder"] / "autoencoder.safetensors"
        target = context.folder / "texture.safetensors"
        return fit_texture(context.inputs["frames"], autoencoder, settings.autoencoder.size, target)

    def latents(context: StageContext) -> dict[str, Any]:
        from monai_echosynth.workflows.train import cache_latents

        autoencoder = context.inputs["autoencoder"] / "autoencoder.safetensors"
        return cache_latents(context.inputs["frames"], autoencoder, context.folder, settings, seed)

    def diffusion(context: StageContext) -> dict[str, Any]:
        from monai_echosynth.workflows.train import train_diffusion

        autoencoder = context.inputs["autoencoder"] / "autoencoder.safetensors"
        weights, cache = context.folder / "diffusion.safetensors", context.inputs["latents"]
        data = context.inputs["frames"]
        return train_diffusion(data, autoencoder, context.folder, weights, settings, seed, cache_dir=cache)

    def synthetic(context: StageContext) -> dict[str, Any]:
        from monai_echosynth.data.datalist import load_datalist

        frames = len(load_datalist(context.inputs["masks"], "training"))
        return _generate(context, settings, count=frames * study.images_per_mask, seed=seed, **asdict(sampling))

    def showcase(context: StageContext) -> dict[str, Any]:
        masks = {"section": "validation", "max_masks": _SHOWN_MASKS, "count": _SHOWN_MASKS * _SHOWN_SEEDS}
        return _generate(context, settings, seed=seed, **{**asdict(sampling), **masks, "copies": 0})

    frames, budget = {"frames": "prepare"}, study.weights
    vae = {**asdict(settings.autoencoder), "seed": seed}
    unet = {**asdict(settings.diffusion), "log_sigma_mean": settings.log_sigma_mean, "seed": seed}
    cached = {"variants": settings.variants, "seed": seed}
    model = {"masks": "prepare", "autoencoder": "autoencoder", "diffusion": "diffusion", "texture": "texture"}
    drawn = {**asdict(sampling), "images_per_mask": study.images_per_mask, "seed": seed}
    return [
        Stage("autoencoder", vae, autoencoder, frames, weight=budget["autoencoder"]),
        Stage(
            "texture", {}, texture, {**frames, "autoencoder": "autoencoder"}, weight=budget["latents"] / 4, version=2
        ),
        Stage("latents", cached, latents, {**frames, "autoencoder": "autoencoder"}, weight=budget["latents"]),
        Stage(
            "diffusion",
            unet,
            diffusion,
            {**frames, "autoencoder": "autoencoder", "latents": "latents"},
            weight=budget["diffusion"],
        ),
        Stage("generate", drawn, synthetic, model, "synthetic", weight=budget["generate"]),
        Stage("showcase", drawn, showcase, model, weight=10),
    ]


def _generate(context: StageContext, settings: GenerativeSettings, **options: Any) -> dict[str, Any]:
    from monai_echosynth.workflows.bundles import bundle_source
    from monai_echosynth.workflows.generate import generate
    from monai_echosynth.workflows.train import BUNDLE

    return generate(
        bundle_source(BUNDLE),
        context.inputs["masks"],
        context.folder,
        autoencoder_path=str(context.inputs["autoencoder"] / "autoencoder.safetensors"),
        weights_path=str(context.inputs["diffusion"] / "diffusion.safetensors"),
        texture_path=str(context.inputs["texture"] / "texture.safetensors"),
        autoencoder_size=settings.autoencoder.size,
        size=settings.diffusion.size,
        spatial_size=settings.spatial_size,
        **options,
    )


def _segmenter(arm: str, sources: tuple[str, ...], study: StudySettings, seed: int) -> Stage:
    budget = replace(study.segmentation, seed=seed)

    def run(context: StageContext) -> Mapping[str, Any]:
        from monai_echosynth.workflows.segmentation import train_segmenter

        folders = [context.inputs[source] for source in sources]
        return train_segmenter(context.folder, folders, budget, val_dataset_dir=context.inputs["prepare"])

    inputs: dict[str, Path | str] = {source: source for source in {*sources, "prepare"}}
    return Stage(
        f"segmenter_{arm}", asdict(budget), run, inputs, f"segmenters/{arm}", weight=study.weights["segmenter"]
    )


def _run_evaluate(context: StageContext) -> dict[str, Any]:
    from monai_echosynth.workflows.study_scores import score_study

    return score_study(context.inputs, context.folder, int(context.settings["seed"]))


def _run_bundles(context: StageContext) -> dict[str, Any]:
    from monai_echosynth.workflows.study_bundles import export_bundles

    return export_bundles(context.inputs, context.folder, context.settings)


def _run_report(context: StageContext) -> dict[str, Any]:
    from monai_echosynth.workflows.report.build import build_report
    from monai_echosynth.workflows.study_summary import write_summary

    write_summary(context.out, context.settings)
    build_report(context.out)
    return {}
