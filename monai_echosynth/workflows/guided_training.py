"""Trains an ``ultrasound_guided_diffusion`` bundle on a prepared folder, resuming where it stopped."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from monai_echosynth.data.atomic import write_json
from monai_echosynth.data.check_prepared import check_prepared, check_size
from monai_echosynth.data.datalist import load_datalist, read_label_table
from monai_echosynth.data.guided_set import class_conditions
from monai_echosynth.data.view_labels import view_names
from monai_echosynth.networks.features.transformers_folder import TextEncoder
from monai_echosynth.networks.nets.guided_unet import Guidance
from monai_echosynth.networks.nets.presets import gamma_autoencoder
from monai_echosynth.workflows.bundles import bundle_source
from monai_echosynth.workflows.checksums import write_checksums
from monai_echosynth.workflows.guided_settings import GuidedSettings
from monai_echosynth.workflows.guides import load_text_encoder
from monai_echosynth.workflows.run_bundle import run_bundle
from monai_echosynth.workflows.training_folder import claim_folder
from monai_echosynth.workflows.training_runs import budget_ids, edit_config, finished_record, stage_ids

__all__ = ["BUNDLE", "train_guided", "write_guided_bundle"]

BUNDLE = "ultrasound_guided_diffusion"


def train_guided(
    data: str | Path,
    out: str | Path,
    settings: GuidedSettings,
    seed: int = 0,
    text_encoder: str | Path | None = None,
    progress: bool = True,
) -> dict[str, Any]:
    """Train the gamma-VAE and the guided network on a prepared folder and leave a ready bundle.

    Args:
        data: prepared folder whose frames have classes: their ``view``, for class folders the name of the folder.
        out: bundle folder to write; an interrupted training in it goes on after its last epoch.
        settings: sizes, budget and what guides the synthesis.
        seed: seed of weights, order, augmentation, noise and dropped conditions.
        text_encoder: local folder of the text encoder, for text guidance.
        progress: show bars.

    Returns:
        ``class_names``, and parameters, epochs and validation loss of the network where it was trained in this run.

    Raises:
        EchoSynthError: the folder is not prepared or prepared at another size, a frame is bad or has no class, there are fewer
            than two classes, the text encoder is missing, or ``out`` holds something else.
    """
    root = Path(out)
    check_size(data, settings.spatial_size)
    for section in ("training", "validation"):
        check_prepared(data, section)
    names = view_names(load_datalist(data, "training"))
    class_conditions(load_datalist(data, "validation"), names)
    encoder = load_text_encoder(text_encoder) if Guidance(settings.guidance) is Guidance.TEXT else None
    claim = {"data": str(Path(data).resolve()), "seed": seed, **asdict(settings), "class_names": names}
    claim_folder(root, {**claim, "text_encoder_sha256": encoder.sha256 if encoder else None})
    write_guided_bundle(root, settings, names, encoder, read_label_table(data).to_dict())
    models = root / "models"
    first, second = models / "autoencoder.safetensors", models / "diffusion.safetensors"
    metrics: dict[str, Any] = {"class_names": names}
    if not first.is_file():
        _train_autoencoder(data, root, first, settings, seed, progress)
    if not second.is_file():
        metrics |= _train_diffusion(data, root, first, second, settings, seed, text_encoder, progress)
    write_checksums(root)
    return metrics


def write_guided_bundle(
    root: Path,
    settings: GuidedSettings,
    class_names: Sequence[str],
    encoder: TextEncoder | None = None,
    label_table: dict[str, Any] | None = None,
) -> None:
    """Copy the shipped bundle to ``root`` and write sizes, budget, classes and guidance into its configs and metadata."""
    shutil.copytree(bundle_source(BUNDLE), root, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".gitkeep"))
    (root / "models").mkdir(exist_ok=True)
    sizes = {"autoencoder_size": settings.autoencoder.size, "size": settings.diffusion.size}
    shared = {**sizes, "spatial_size": settings.spatial_size, "guidance": str(settings.guidance)}
    shared["class_names"] = list(class_names)
    edit_config(root / "configs" / "train_autoencoder.json", budget_ids(settings.autoencoder))
    training = {"prompt": settings.prompt, "conditioning_dropout": settings.conditioning_dropout}
    training |= {"variants": settings.variants, **budget_ids(settings.diffusion), **shared}
    edit_config(root / "configs" / "train_diffusion.json", training)
    texts = {"text_width": encoder.width, "text_encoder_sha256": encoder.sha256} if encoder else {}
    table = {"label_table": label_table} if label_table else {}
    edit_config(root / "configs" / "inference.json", {**shared, **texts, **table})
    _write_metadata(root / "configs" / "metadata.json", settings, class_names, encoder)


def _write_metadata(
    path: Path, settings: GuidedSettings, class_names: Sequence[str], encoder: TextEncoder | None
) -> None:
    metadata = json.loads(path.read_text(encoding="utf-8"))
    with torch.device("meta"):
        downsampling = gamma_autoencoder(settings.autoencoder.size).downsampling
    size = settings.spatial_size
    for side, key in (("inputs", "image"), ("outputs", "pred")):
        metadata["autoencoder_data_format"][side][key]["spatial_shape"] = [size, size]
        metadata["network_data_format"][side][key]["spatial_shape"] = [size // downsampling] * 2
    condition = metadata["network_data_format"]["inputs"]["condition"]
    kind = Guidance(settings.guidance)
    if kind is Guidance.CLASS:
        condition["value_range"] = [0, len(class_names) - 1]
    elif kind is Guidance.IMAGE:
        shape = {"type": "image", "format": "guide", "num_channels": 1, "spatial_shape": [size, size]}
        condition.update(shape, value_range=[0, 1], channel_def={"0": "guide picture"})
    elif encoder is not None:
        width = {"type": "vector", "format": "hidden states", "num_channels": encoder.length}
        condition.update(width, spatial_shape=[encoder.width], value_range=[], channel_def={"0": "tokens of the text"})
    listed = ", ".join(f"{number} {name}" for number, name in enumerate(class_names))
    metadata["label_classes"] = f"classes by number in alphabetical order: {listed}"
    write_json(path, metadata)


def _train_autoencoder(
    data: str | Path, root: Path, weights: Path, settings: GuidedSettings, seed: int, progress: bool
) -> None:
    out = root / "eval" / "autoencoder"
    ids = stage_ids(data, out, weights, settings.autoencoder, seed, progress)
    run_bundle(root, "train_autoencoder.json", "train", **ids)
    finished_record(out)


def _train_diffusion(
    data: str | Path,
    root: Path,
    autoencoder: Path,
    weights: Path,
    settings: GuidedSettings,
    seed: int,
    text_encoder: str | Path | None,
    progress: bool,
) -> dict[str, Any]:
    out = root / "eval" / "diffusion"
    ids = stage_ids(data, out, weights, settings.diffusion, seed, progress)
    ids |= {"autoencoder_path": str(autoencoder), "cache_dir": str(out / "latents")}
    ids["text_encoder"] = None if text_encoder is None else str(text_encoder)
    workflow = run_bundle(root, "train_diffusion.json", "train", **ids)
    last = finished_record(out)
    return {
        "params": sum(p.numel() for p in workflow.network_def.parameters()),
        "epochs": last["epoch"],
        "final_loss": last["loss"],
        "validation_loss": last.get("validation_loss"),
    }
