"""Trains the gamma-VAE and the diffusion model of an ``echo_generative_diffusion`` bundle, resuming where it stopped."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from monai.bundle import ConfigParser

from monai_echosynth.data.atomic import write_json
from monai_echosynth.data.check_prepared import check_prepared
from monai_echosynth.data.conditions import condition_items, condition_names
from monai_echosynth.data.datalist import load_datalist
from monai_echosynth.networks.nets.presets import gamma_autoencoder
from monai_echosynth.workflows.bundles import bundle_source
from monai_echosynth.workflows.checksums import write_checksums
from monai_echosynth.workflows.run_bundle import run_bundle
from monai_echosynth.workflows.texture import fit_texture
from monai_echosynth.workflows.training_folder import claim_folder
from monai_echosynth.workflows.training_runs import budget_ids, check_size, edit_config, finished_record, stage_ids
from monai_echosynth.workflows.training_settings import PRESETS, GenerativeSettings, Preset

__all__ = ["BUNDLE", "cache_latents", "train", "train_autoencoder", "train_diffusion", "write_generative_bundle"]

BUNDLE = "echo_generative_diffusion"


def train(
    data: str | Path,
    out: str | Path,
    preset: Preset | str = Preset.CPU,
    seed: int = 0,
    budget: float = 1.0,
    conditioned: bool = False,
) -> Path:
    """Train both networks on a prepared folder and leave a ready bundle.

    Args:
        data: prepared folder.
        out: bundle folder to write; an interrupted training in it goes on after its last epoch.
        preset: sizes and budget.
        seed: seed of weights, order, augmentation and noise.
        budget: epochs of both networks, as a multiple of the preset's.
        conditioned: tell the diffusion model the view and the phase of each frame.

    Returns:
        ``out`` as a path.

    Raises:
        EchoSynthError: the folder is not prepared or prepared at another size, a frame is bad or lacks view or phase, the budget
            is not positive, or ``out`` holds something else.
    """
    settings, root = PRESETS[Preset(preset)].scaled(budget), Path(out)
    check_size(data, settings.spatial_size)
    for section in ("training", "validation"):
        check_prepared(data, section)
    conditions = _conditions(data) if conditioned else []
    claim_training(root, data, settings, seed, conditions)
    write_generative_bundle(root, settings, conditions)
    models = root / "models"
    if not (models / "autoencoder.safetensors").is_file():
        train_autoencoder(data, root / "eval" / "autoencoder", models / "autoencoder.safetensors", settings, seed)
    if not (models / "texture.safetensors").is_file():
        size = settings.autoencoder.size
        fit_texture(data, models / "autoencoder.safetensors", size, models / "texture.safetensors")
    if not (models / "diffusion.safetensors").is_file():
        autoencoder = models / "autoencoder.safetensors"
        target = models / "diffusion.safetensors"
        folder = root / "eval" / "diffusion"
        train_diffusion(data, autoencoder, folder, target, settings, seed, conditions=conditions)
    write_checksums(root)
    return root


def claim_training(
    root: Path, data: str | Path, settings: GenerativeSettings, seed: int, conditions: Sequence[str] = ()
) -> None:
    """Make ``root`` the folder of this training alone; see :func:`~monai_echosynth.workflows.training_folder.claim_folder`."""
    classes = {"conditions": list(conditions) or None}
    claim_folder(root, {"data": str(Path(data).resolve()), "seed": seed, **asdict(settings), **classes})


def train_autoencoder(
    data: str | Path, out: Path, weights: Path, settings: GenerativeSettings, seed: int = 0, progress: bool = True
) -> dict[str, Any]:
    """Train the gamma-VAE; returns its final validation metrics, epochs, final loss and the latents' standard deviation."""
    check_size(data, settings.spatial_size)
    workflow = run_bundle(
        bundle_source(BUNDLE),
        "train_autoencoder.json",
        "train",
        **stage_ids(data, out, weights, settings.autoencoder, seed, progress),
    )
    last = finished_record(out)
    average = workflow.parser.get_parsed_content("average")
    return {
        "params": sum(p.numel() for p in average.parameters()),
        "epochs": last["epoch"],
        "final_loss": last["loss"],
        **{name.removeprefix("validation_"): value for name, value in last.items() if name.startswith("validation_")},
        "latent_mean": float(average.normalizer.mean),
        "latent_std": float(average.normalizer.std),
    }


def train_diffusion(
    data: str | Path,
    autoencoder: Path,
    out: Path,
    weights: Path,
    settings: GenerativeSettings,
    seed: int = 0,
    progress: bool = True,
    cache_dir: Path | None = None,
    conditions: Sequence[str] = (),
) -> dict[str, Any]:
    """Train the denoising network on cached latents; returns parameters, epochs and losses.

    With ``conditions``, names of :func:`~monai_echosynth.data.conditions.condition_names`, it is told the class of each frame.
    """
    check_size(data, settings.spatial_size)
    workflow = run_bundle(
        bundle_source(BUNDLE),
        "train_diffusion.json",
        "train",
        autoencoder_path=str(autoencoder),
        autoencoder_size=settings.autoencoder.size,
        cache_dir=str(cache_dir or out / "latents"),
        variants=settings.variants,
        log_sigma_mean=settings.log_sigma_mean,
        conditions=list(conditions),
        **stage_ids(data, out, weights, settings.diffusion, seed, progress),
    )
    last = finished_record(out)
    return {
        "params": sum(p.numel() for p in workflow.network_def.parameters()),
        "epochs": last["epoch"],
        "final_loss": last["loss"],
        "validation_loss": last.get("validation_loss"),
    }


def cache_latents(
    data: str | Path, autoencoder: Path, cache_dir: Path, settings: GenerativeSettings, seed: int = 0
) -> dict[str, Any]:
    """Encode the training and validation frames of a prepared folder; returns the number of latents."""
    parser = ConfigParser()
    parser.read_config(bundle_source(BUNDLE) / "configs" / "train_diffusion.json")
    ids = {"dataset_dir": str(data), "autoencoder_path": str(autoencoder), "cache_dir": str(cache_dir), "seed": seed}
    sizes = {"autoencoder_size": settings.autoencoder.size, "variants": settings.variants}
    parser.update({**ids, **sizes})
    return {part: len(parser.get_parsed_content(f"{part}::dataset")) for part in ("train", "validate")}


def write_generative_bundle(root: Path, settings: GenerativeSettings, conditions: Sequence[str] = ()) -> None:
    """Copy the shipped bundle to ``root`` and write sizes, budget and classes into its configs and metadata."""
    shutil.copytree(bundle_source(BUNDLE), root, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".gitkeep"))
    (root / "models").mkdir(exist_ok=True)
    sizes = {"autoencoder_size": settings.autoencoder.size, "size": settings.diffusion.size}
    classes = {"conditions": list(conditions)}
    edit_config(root / "configs" / "inference.json", {**sizes, **classes, "spatial_size": settings.spatial_size})
    edit_config(root / "configs" / "fit_texture.json", {"autoencoder_size": settings.autoencoder.size})
    edit_config(root / "configs" / "train_autoencoder.json", budget_ids(settings.autoencoder))
    shape = {"variants": settings.variants, "log_sigma_mean": settings.log_sigma_mean}
    diffusion = {**budget_ids(settings.diffusion), **sizes, **shape, **classes}
    edit_config(root / "configs" / "train_diffusion.json", diffusion)
    path = root / "configs" / "metadata.json"
    metadata = json.loads(path.read_text(encoding="utf-8"))
    with torch.device("meta"):
        downsampling = gamma_autoencoder(settings.autoencoder.size).downsampling
    image, latent = [settings.spatial_size] * 2, [settings.spatial_size // downsampling] * 2
    for side, key in (("inputs", "image"), ("outputs", "pred")):
        metadata["autoencoder_data_format"][side][key]["spatial_shape"] = image
        metadata["network_data_format"][side][key]["spatial_shape"] = latent
    metadata["network_data_format"]["inputs"]["seg"]["spatial_shape"] = image
    write_json(path, metadata)


def _conditions(data: str | Path) -> list[str]:
    """Classes of the training frames; those of the validation frames must be among them."""
    names = condition_names(load_datalist(data, "training"))
    condition_items(load_datalist(data, "validation"), names)
    return names
