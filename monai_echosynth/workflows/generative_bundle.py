"""The folder of a trained diffusion generator: the shipped bundle with one family's overlay, sizes and budget in its configs."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from monai_echosynth.data.atomic import write_json
from monai_echosynth.diffusion.family import PIXEL_FAMILIES, Family
from monai_echosynth.networks.nets.presets import gamma_autoencoder
from monai_echosynth.workflows.bundles import bundle_source
from monai_echosynth.workflows.training_runs import budget_ids, edit_config
from monai_echosynth.workflows.training_settings import GenerativeSettings

__all__ = ["BUNDLE", "family_overlay", "write_generative_bundle"]

BUNDLE = "echo_generative_diffusion"

_OVERLAYS = {family: f"{family.replace('-', '_')}.json" for family in Family if family is not Family.EDM_L128}
"""Config of each family over those of the bundle, which are those of EDM-L128."""
_LATENT_STAGES = ("train_autoencoder.json", "fit_texture.json")
_PIXEL_STAGE = "fit_pixel_space.json"
_STUDENTS = ("student.json", "student_trajectory.json", "student_inference.json")


def family_overlay(family: Family) -> list[str]:
    """Names of the config files that make the bundle one of ``family``: one or none."""
    return [_OVERLAYS[family]] if family in _OVERLAYS else []


def write_generative_bundle(
    root: Path, settings: GenerativeSettings, conditions: Sequence[str] = (), family: Family | None = None
) -> None:
    """Copy the shipped bundle to ``root`` and write family, sizes, budget and classes into its configs and metadata.

    Each config then stands alone; overlays, and the stages that the family does not have, are left out.

    Args:
        root: folder to write.
        settings: sizes and budget.
        conditions: classes that the model is told.
        family: the family; that of latents with the downsampling of the autoencoder when omitted.
    """
    with torch.device("meta"):
        downsampling = 1 if family in PIXEL_FAMILIES else gamma_autoencoder(settings.autoencoder.size).downsampling
    family = family or (Family.EDM_L64 if downsampling == 4 else Family.EDM_L128)
    pixels = family in PIXEL_FAMILIES
    left_out = (".gitkeep", *_OVERLAYS.values(), *_STUDENTS, *(_LATENT_STAGES if pixels else (_PIXEL_STAGE,)))
    shutil.copytree(bundle_source(BUNDLE), root, dirs_exist_ok=True, ignore=shutil.ignore_patterns(*left_out))
    (root / "models").mkdir(exist_ok=True)
    overlay: dict[str, Any] = {"family": str(family)}
    for name in family_overlay(family):
        overlay |= json.loads((bundle_source(BUNDLE) / "configs" / name).read_text(encoding="utf-8"))
    sizes = {"autoencoder_size": settings.autoencoder.size, "size": settings.diffusion.size}
    shared = {**overlay, **sizes, "conditions": list(conditions)}
    edit_config(root / "configs" / "inference.json", {**shared, "spatial_size": settings.spatial_size})
    shape = {"variants": settings.variants, "log_sigma_mean": settings.log_sigma_mean}
    edit_config(root / "configs" / "train_diffusion.json", {**shared, **budget_ids(settings.diffusion), **shape})
    if not pixels:
        edit_config(root / "configs" / "fit_texture.json", {"autoencoder_size": settings.autoencoder.size})
        edit_config(root / "configs" / "train_autoencoder.json", budget_ids(settings.autoencoder))
    _write_shapes(root, settings.spatial_size, downsampling)


def _write_shapes(root: Path, size: int, downsampling: int) -> None:
    """Sizes of frames and latents in the metadata."""
    path = root / "configs" / "metadata.json"
    metadata = json.loads(path.read_text(encoding="utf-8"))
    image, latent = [size] * 2, [size // downsampling] * 2
    for side, key in (("inputs", "image"), ("outputs", "pred")):
        metadata["autoencoder_data_format"][side][key]["spatial_shape"] = image
        metadata["network_data_format"][side][key]["spatial_shape"] = latent
    metadata["network_data_format"]["inputs"]["seg"]["spatial_shape"] = image
    write_json(path, metadata)
