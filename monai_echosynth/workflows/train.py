"""Trains the gamma-VAE and the diffusion model of an ``echo_generative_diffusion`` bundle, resuming where it stopped.

Families that denoise frames have no gamma-VAE and no texture; the scale of the frames is measured in its place.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from monai.bundle import ConfigParser

from monai_echosynth.data.atomic import atomic_path
from monai_echosynth.data.check_prepared import check_prepared, check_size
from monai_echosynth.data.conditions import condition_items, condition_names
from monai_echosynth.data.datalist import load_datalist
from monai_echosynth.diffusion.family import PIXEL_FAMILIES, Family, named_family
from monai_echosynth.workflows.bundles import bundle_source
from monai_echosynth.workflows.checksums import write_checksums
from monai_echosynth.workflows.generative_bundle import BUNDLE, family_overlay, write_generative_bundle
from monai_echosynth.workflows.pixel_space import fit_pixel_space
from monai_echosynth.workflows.run_bundle import run_bundle
from monai_echosynth.workflows.texture import fit_texture
from monai_echosynth.workflows.training_folder import claim_folder
from monai_echosynth.workflows.training_runs import finished_record, stage_ids
from monai_echosynth.workflows.training_settings import DEFAULT_FAMILY, GenerativeSettings, Preset, family_settings

__all__ = [
    "BUNDLE",
    "cache_latents",
    "train",
    "train_autoencoder",
    "train_diffusion",
    "train_family",
    "train_first_stage",
    "write_generative_bundle",
]


def train(
    data: str | Path,
    out: str | Path,
    preset: Preset | str = Preset.CPU,
    seed: int = 0,
    budget: float = 1.0,
    conditioned: bool = False,
    family: Family | str | None = None,
) -> Path:
    """Train both networks on a prepared folder and leave a ready bundle.

    Args:
        data: prepared folder.
        out: bundle folder to write; an interrupted training in it goes on after its last epoch.
        preset: sizes and budget.
        seed: seed of weights, order, augmentation and noise.
        budget: epochs of both networks, as a multiple of the preset's.
        conditioned: tell the diffusion model the view and the phase of each frame.
        family: family of the diffusion model; that of the preset when omitted.

    Returns:
        ``out`` as a path.

    Raises:
        EchoSynthError: the folder is not prepared or prepared at another size, a frame is bad or lacks view or phase, the budget
            is not positive, there is no such family, or ``out`` holds something else.
    """
    chosen = DEFAULT_FAMILY[Preset(preset)] if family is None else named_family(family)
    settings = family_settings(preset, chosen).scaled(budget)
    return train_family(data, out, chosen, settings, seed, conditioned)


def train_family(
    data: str | Path,
    out: str | Path,
    family: Family,
    settings: GenerativeSettings,
    seed: int = 0,
    conditioned: bool = False,
    first_stage: str | Path | None = None,
    progress: bool = True,
) -> Path:
    """:func:`train` with sizes and budget in full.

    Args:
        data: prepared folder.
        out: bundle folder to write.
        family: family of the diffusion model.
        settings: sizes and budget.
        seed: seed of weights, order, augmentation and noise.
        conditioned: tell the diffusion model the view and the phase of each frame.
        first_stage: folder in which :func:`train_first_stage` has trained the gamma-VAE; one of its own is trained when omitted.
        progress: show progress bars.
    """
    root = Path(out)
    check_size(data, settings.spatial_size)
    for section in ("training", "validation"):
        check_prepared(data, section)
    conditions = _conditions(data) if conditioned else []
    claim_training(root, data, settings, seed, conditions, family if family in PIXEL_FAMILIES else None)
    write_generative_bundle(root, settings, conditions, family)
    autoencoder, diffusion = (root / "models" / f"{name}.safetensors" for name in ("autoencoder", "diffusion"))
    if family not in PIXEL_FAMILIES:
        if first_stage is not None:
            _copy_first_stage(Path(first_stage), root)
        train_first_stage(data, root, settings, seed, progress)
    elif not autoencoder.is_file():
        fit_pixel_space(data, autoencoder)
    if not diffusion.is_file():
        budget = (settings, seed, progress)
        folder = root / "eval" / "diffusion"
        train_diffusion(data, autoencoder, folder, diffusion, *budget, conditions=conditions, family=family)
    write_checksums(root)
    return root


def train_first_stage(
    data: str | Path, root: Path, settings: GenerativeSettings, seed: int = 0, progress: bool = True
) -> None:
    """Train the gamma-VAE and fit the texture in ``root/models``, where they are not there yet."""
    weights, texture = _first_stage_files(root)
    if not weights.is_file():
        train_autoencoder(data, root / "eval" / "autoencoder", weights, settings, seed, progress)
    if not texture.is_file():
        fit_texture(data, weights, settings.autoencoder.size, texture)


def _copy_first_stage(source: Path, root: Path) -> None:
    for have, want in zip(_first_stage_files(source), _first_stage_files(root), strict=True):
        if not want.is_file():
            with atomic_path(want) as partial:
                shutil.copyfile(have, partial)


def _first_stage_files(root: Path) -> tuple[Path, Path]:
    """Weights of the gamma-VAE and of the texture."""
    return root / "models" / "autoencoder.safetensors", root / "models" / "texture.safetensors"


def claim_training(
    root: Path,
    data: str | Path,
    settings: GenerativeSettings,
    seed: int,
    conditions: Sequence[str] = (),
    family: Family | None = None,
) -> None:
    """Make ``root`` the folder of this training alone; see :func:`~monai_echosynth.workflows.training_folder.claim_folder`.

    Families that denoise latents differ in ``settings``; one that denoises frames is named by ``family``.
    """
    kind = {"conditions": list(conditions) or None, "family": family and str(family)}
    claim_folder(root, {"data": str(Path(data).resolve()), "seed": seed, **asdict(settings), **kind})


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
    family: Family | None = None,
) -> dict[str, Any]:
    """Train the denoising network on cached latents; returns parameters, epochs and losses.

    With ``conditions``, names of :func:`~monai_echosynth.data.conditions.condition_names`, it is told the class of each frame.
    Without ``family`` the latents are those of the autoencoder's size, and the process is EDM's.
    """
    check_size(data, settings.spatial_size)
    workflow = run_bundle(
        bundle_source(BUNDLE),
        ["train_diffusion.json", *(family_overlay(family) if family else [])],
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


def _conditions(data: str | Path) -> list[str]:
    """Classes of the training frames; those of the validation frames must be among them."""
    names = condition_names(load_datalist(data, "training"))
    condition_items(load_datalist(data, "validation"), names)
    return names
