"""What the stages of the utility study do."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from monai_echosynth.data.datalist import load_datalist
from monai_echosynth.diffusion.family import Family
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.workflows.phantom_stage import prepared
from monai_echosynth.workflows.stages import StageContext
from monai_echosynth.workflows.tee_stages import Run
from monai_echosynth.workflows.training_settings import GenerativeSettings
from monai_echosynth.workflows.utility_cells import SyntheticSource, compute_images, frame_count
from monai_echosynth.workflows.utility_settings import ALL, Arm, Masks, Patients, UtilitySettings

__all__ = [
    *("base", "generator", "head", "judge", "masks", "patients_of", "prepare_frames", "score", "synthetic"),
    "count_patients",
]

FAMILY = Family.EDM_L128
"""Of every diffusion model here: one downsampling, which suits the frames of the study's presets."""


def prepare_frames(context: StageContext) -> dict[str, int]:
    """Frames of the user, prepared."""
    from monai_echosynth.workflows.prepare import prepare

    chosen = {key: context.settings[key] for key in ("size", "n_test", "max_train", "seed")}
    return _sections(prepare(context.inputs["source"], context.folder / "prepared", **chosen))


def patients_of(patients: Patients) -> Run:
    """The frames of some training patients, or of all."""

    def run(context: StageContext) -> Mapping[str, Any]:
        from monai_echosynth.data.subset import write_patient_subset

        count = None if patients == ALL else int(patients)
        source = prepared(context.inputs["frames"])
        write_patient_subset(source, context.folder, count, int(context.settings["seed"]))
        return {"patients": count_patients(context.folder, "training"), **_sections(context.folder)}

    return run


def masks(kind: Masks) -> Run:
    """New masks from those of the real frames, as many as there will be synthetic frames."""

    def run(context: StageContext) -> Mapping[str, Any]:
        from monai_echosynth.workflows.augmented_masks import write_augmented_masks
        from monai_echosynth.workflows.shape_study import run_shape_masks, run_shape_model

        real, seed = context.inputs["real"], int(context.settings["seed"])
        count = frame_count(context.settings["pool"], len(load_datalist(real, "training")))
        if kind is Masks.AUGMENTED:
            write_augmented_masks(real, context.folder, count, seed)
            return {"count": count}
        found = run_shape_model(real, context.folder / "model", samples=100, held_out=(), seed=seed)
        run_shape_masks(context.folder / "model" / "shape_model.safetensors", context.folder, count, seed=seed)
        return {"count": count, "modes": found["modes"], "generality_mm": found["generality_mm"]}

    return run


def base(settings: GenerativeSettings) -> Run:
    """Generator of the phantom."""

    def run(context: StageContext) -> Mapping[str, Any]:
        from monai_echosynth.workflows.train import train_family

        train_family(prepared(context.inputs["data"]), context.folder, FAMILY, settings, context.settings["seed"])
        return _course(context.folder / "eval" / "diffusion" / "history.json")

    return run


def generator(arm: Arm, study: UtilitySettings) -> Run:
    """Generator of the real frames that it is given, and of nothing else but, where it is adapted, its base."""

    def run(context: StageContext) -> Mapping[str, Any]:
        from monai_echosynth.workflows.adapt import adapt
        from monai_echosynth.workflows.gan import train_gan
        from monai_echosynth.workflows.train import train_family

        real, out = context.inputs["real"], context.folder
        frames = len(load_datalist(real, "training"))
        if arm is Arm.GAN:
            made = train_gan(real, out, seed=study.seed, settings=study.gan)
            return {"frames": frames, **made}
        if arm is Arm.ADAPTED:
            batch = min(study.adaptation.batch_size, frames)
            made = adapt(
                context.inputs["base"], real, out, None, replace(study.adaptation, batch_size=batch, seed=study.seed)
            )
            return {**made, **_course(out / "eval" / "history.json")}
        settings = study.generator_for(frames)
        train_family(real, out, FAMILY, settings, study.seed)
        return {"frames": frames, "variants": settings.variants, **_course(out / "eval" / "diffusion" / "history.json")}

    return run


def synthetic(source: SyntheticSource, study: UtilitySettings) -> Run:
    """The synthetic set of a source."""

    def run(context: StageContext) -> Mapping[str, Any]:
        from monai_echosynth.workflows.generate import generate
        from monai_echosynth.workflows.randomized_synthesis import synthesize

        frames = len(load_datalist(context.inputs["real"], "training"))
        count = frame_count(study.pool, frames)
        if source.nfe is not None:
            count = compute_images(study.compute_calls, frames, source.nfe)
        masks, options = context.inputs["masks"], dict[str, Any](count=count, seed=study.seed)
        if source.arm is Arm.SYNTHSEG:
            return synthesize(masks, context.folder, size=study.size, **options)
        if source.arm is not Arm.GAN:
            options |= {"solver": study.solver, "nfe": source.nfe or study.nfe}
        made = generate(context.inputs["bundle"], masks, context.folder, **options)
        return {**made, "calls": made["count"] * made["nfe"]}

    return run


def head(context: StageContext) -> dict[str, int]:
    """The first frames of a synthetic set, as many as the ratio says; their masks come from the same patients."""
    from monai_echosynth.data.subset import write_subset

    real = load_datalist(context.inputs["real"], "training")
    count = frame_count(context.settings["ratio"], len(real))
    write_subset(context.inputs["synthetic"], context.folder, count)
    check_origin(context.folder, context.inputs["real"], context.settings["masks"])
    return {"real": len(real), "synthetic": count}


def check_origin(synthetic: Path, real: Path, kind: str) -> None:
    """Raises an EchoSynthError if the mask of a synthetic frame is that of a patient who is not among the real ones."""
    if kind == Masks.SHAPES:
        return  # sampled maps have no patient; their model was fitted on the real ones
    known = {str(item["patient"]) for item in load_datalist(real, "training")}
    strangers = {str(item["patient"]) for item in load_datalist(synthetic, "training")} - known
    if strangers:
        raise EchoSynthError(
            f"synthetic frames come from masks of the training patients, got {min(strangers)} in {synthetic}: delete that folder "
            "and run again"
        )


def score(context: StageContext) -> dict[str, Any]:
    """A segmenter on the test patients."""
    from monai_echosynth.workflows.evaluate import evaluate_segmenter

    data, seed = prepared(context.inputs["frames"]), int(context.settings["seed"])
    scores = evaluate_segmenter(context.inputs["segmenter"], data, context.folder, seed=seed)
    return {"mean_dice": scores["mean_dice"]["mean"]}


def judge(context: StageContext) -> dict[str, Any]:
    """Does a synthetic set follow its masks, how far is it from real frames, and does it repeat those it was made from?"""
    from monai_echosynth.data.subset import write_subset
    from monai_echosynth.workflows.audit import AuditSettings, run_audit
    from monai_echosynth.workflows.evaluate import mask_adherence
    from monai_echosynth.workflows.image_distance import image_distance

    segmenter, real, data = (context.inputs[name] for name in ("segmenter", "real", "frames"))
    data, seed, made = prepared(data), int(context.settings["seed"]), context.inputs["synthetic"]
    count = min(int(context.settings["frames"]), len(load_datalist(made, "training")))
    few = write_subset(made, context.folder / "frames", count)
    adherence = mask_adherence(segmenter, few, context.folder / "adherence", seed=seed)
    result: dict[str, Any] = {"frames": count, "adherence": adherence["mean_dice"], "kid": None, "kid_sd": None}
    if count >= 4:  # halves of two frames
        distance = image_distance(segmenter, data, few, seed=seed)
        result |= {"kid": distance.value, "kid_sd": distance.sd}
    settings = AuditSettings(segmenter=segmenter, seed=seed)
    found = run_audit(few, real, context.folder / "audit", held_out=data, settings=settings, progress=False)
    copies = {key: found["copies"][key] for key in ("threshold", "false_alarms", "flagged", "share")}
    near = found["nearness"]
    return {**result, "copies": copies, "nearness": {"mean": near["value"], "ci95": near["ci95"]}}


def count_patients(folder: Path, section: str) -> int:
    """Number of patients of a section."""
    return len({str(item["patient"]) for item in load_datalist(folder, section)})


def _sections(folder: Path) -> dict[str, int]:
    return {section: len(load_datalist(folder, section)) for section in ("training", "validation", "test")}


def _course(path: Path) -> dict[str, Any]:
    """End of a training curve and, where validation frames watched, its best epoch: a best epoch long gone is overfitting."""
    records = json.loads(path.read_text(encoding="utf-8"))
    found: dict[str, Any] = {"epochs": records[-1]["epoch"], "final_loss": records[-1]["loss"]}
    watched = [record for record in records if record.get("validation_loss") is not None]
    if watched:
        best = min(watched, key=lambda record: float(record["validation_loss"]))
        found |= {"validation_loss": watched[-1]["validation_loss"], "best_validation_loss": best["validation_loss"]}
        found["best_epoch"] = best["epoch"]
    return found
