"""Trains a few-step student of a generator: a bundle whose network draws a frame in one, two or four calls.

The student starts from the teacher's weights and keeps its autoencoder, texture, sizes and classes. Its bundle is the shipped one
with the overlay of a distillation merged into the training config; the noise levels of its calls lie beside its weights.
"""

from __future__ import annotations

import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

from monai.bundle import ConfigParser

from monai_echosynth.data.atomic import write_json
from monai_echosynth.data.check_prepared import check_prepared, check_size
from monai_echosynth.data.conditions import condition_items
from monai_echosynth.data.datalist import load_datalist
from monai_echosynth.workflows.bundle_config import read_config
from monai_echosynth.workflows.bundles import bundle_source
from monai_echosynth.workflows.checksums import write_checksums
from monai_echosynth.workflows.generative_bundle import BUNDLE, write_generative_bundle
from monai_echosynth.workflows.run_bundle import run_bundle
from monai_echosynth.workflows.student_settings import StudentSettings
from monai_echosynth.workflows.teacher import Teacher, read_teacher
from monai_echosynth.workflows.training_folder import claim_folder
from monai_echosynth.workflows.training_runs import edit_config, finished_record, stage_ids

__all__ = ["train_student", "write_student_bundle"]


def train_student(
    data: str | Path,
    teacher: str | Path,
    out: str | Path,
    settings: StudentSettings,
    seed: int = 0,
    progress: bool = True,
    cache_dir: Path | None = None,
) -> dict[str, Any]:
    """Train a student and leave a ready bundle.

    Args:
        data: prepared folder, as a rule that of the teacher.
        teacher: trained ``echo_generative_diffusion`` bundle of an EDM family.
        out: bundle folder to write; an interrupted training in it goes on after its last epoch.
        settings: distillation and budget.
        seed: seed of order, augmentation and noise.
        progress: show bars.
        cache_dir: folder of latents to use again; one in ``out`` when omitted.

    Returns:
        ``epochs``, ``final_loss`` and ``validation_loss``; nothing where the student was there.

    Raises:
        EchoSynthError: there is no such teacher, the folder is not prepared at its size or lacks its classes, or ``out`` holds
            something else.
    """
    source, root = read_teacher(teacher), Path(out)
    check_size(data, source.spatial_size)
    for section in ("training", "validation"):
        check_prepared(data, section)
        condition_items(load_datalist(data, section), list(source.conditions))
    claim = {"teacher": source.identity(), "data": str(Path(data).resolve()), "seed": seed}
    claim_folder(root, {**claim, **asdict(settings), "distillation": str(settings.distillation)})
    write_student_bundle(root, source, settings)
    weights, metrics = root / "models" / "diffusion.safetensors", {}
    if not (weights.is_file() and (root / "models" / "sigma_grids.json").is_file()):
        folder = root / "eval" / "diffusion"
        ids = stage_ids(data, folder, weights, settings.budget(source.size), seed, progress)
        ids |= {"cache_dir": str(cache_dir or folder / "latents")}
        run_bundle(root, "train_diffusion.json", "train", **ids)
        last = finished_record(folder)
        metrics = {"epochs": last["epoch"], "final_loss": last["loss"], "validation_loss": last.get("validation_loss")}
    write_checksums(root)
    return metrics


def write_student_bundle(root: Path, teacher: Teacher, settings: StudentSettings) -> None:
    """Writes the bundle of an untrained student: configs that stand alone, the teacher's weights beside them."""
    sized = teacher.settings(settings.budget(teacher.size), settings.variants)
    write_generative_bundle(root, sized, teacher.conditions, teacher.family)
    for name in ("train_autoencoder.json", "fit_texture.json", "fit_pixel_space.json"):
        (root / "configs" / name).unlink(missing_ok=True)
    training, overlay = root / "configs" / "train_diffusion.json", bundle_source(BUNDLE) / "configs" / settings.overlay
    own = read_config(root, training.name)
    merged = ConfigParser.load_config_files([str(training), str(overlay)])
    kept = ("epochs", "samples_per_epoch", "batch_size", "learning_rate")
    write_json(training, {**merged, **{name: own[name] for name in kept}, **settings.ids()})
    inference = read_config(bundle_source(BUNDLE), "student_inference.json")
    edit_config(root / "configs" / "inference.json", inference)
    teacher.copy_first_stage(root / "models")
    copy = root / "models" / "teacher.safetensors"
    if not copy.is_file():
        shutil.copyfile(teacher.folder / "models" / "diffusion.safetensors", copy)
