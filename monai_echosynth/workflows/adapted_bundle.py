"""The folder of an adapted generator: the shipped bundle with a base's weights; sizes, rules and budget in its configs."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path
from typing import Any

from monai_echosynth.data.atomic import write_json
from monai_echosynth.data.mask_r2 import Remapping
from monai_echosynth.diffusion.family import PIXEL_FAMILIES, Family
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.workflows.adaptation_settings import AdaptationMethod, AdaptationSettings
from monai_echosynth.workflows.bundles import bundle_source

__all__ = ["DECODER", "TEXTURE", "base_sizes", "result_file", "trained_numbers", "write_adapted_bundle"]

DECODER = "adapted_autoencoder.safetensors"
TEXTURE = "texture.safetensors"

_BUNDLE = "echo_tee_adaptation"
_SIZES = ("autoencoder_size", "size", "spatial_size")
_BASE = ("autoencoder.safetensors", "diffusion.safetensors")


def base_sizes(base: Path) -> dict[str, Any]:
    """Sizes of the base, from its config.

    Raises:
        EchoSynthError: ``base`` is no trained generator, one that denoises frames instead of latents, or one that is conditioned
            on view and phase.
    """
    config = base / "configs" / "inference.json"
    missing = [path for path in (config, *(base / "models" / name for name in _BASE)) if not path.is_file()]
    if missing:
        raise EchoSynthError(
            f"a trained echo_generative_diffusion bundle was expected, got {base} without "
            f"{missing[0].relative_to(base).as_posix()}: name the bundle to adapt"
        )
    content = json.loads(config.read_text(encoding="utf-8"))
    if content.get("family") in PIXEL_FAMILIES:
        raise EchoSynthError(
            f"an adaptation needs a base that denoises latents, got one of the family {content['family']} in {base}: "
            f"train one with --family {Family.EDM_L128}"
        )
    if content.get("conditions"):
        raise EchoSynthError(
            f"an adaptation needs a base that is not conditioned on view and phase, got {base}, which draws "
            f"{', '.join(content['conditions'])}: train one without --conditioned"
        )
    return {name: content[name] for name in _SIZES}


def write_adapted_bundle(
    root: Path, base: Path, sizes: dict[str, Any], remapping: Remapping, settings: AdaptationSettings
) -> None:
    """Copies the shipped bundle and the base's weights to ``root`` and writes sizes, budget and rules."""
    shutil.copytree(bundle_source(_BUNDLE), root, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".gitkeep"))
    (root / "models").mkdir(exist_ok=True)
    texture = (TEXTURE,) if settings.method == AdaptationMethod.NONE and (base / "models" / TEXTURE).is_file() else ()
    for name in (*_BASE, *texture):
        if not (root / "models" / name).is_file():
            shutil.copyfile(base / "models" / name, root / "models" / name)
    write_json(root / "rules.json", remapping.to_dict())
    networks = {name: sizes[name] for name in ("autoencoder_size", "size")}
    autoencoder = {"autoencoder_size": sizes["autoencoder_size"]}
    values = {"inference": sizes, "train": {**networks, **settings.ids()}}
    values |= {"fit_texture": autoencoder, "train_decoder": {**autoencoder, **settings.decoder_ids()}}
    if settings.method != AdaptationMethod.LORA:
        override = (root / "configs" / "finetuned_inference.json").read_text(encoding="utf-8")
        values["inference"] = {**sizes, **json.loads(override)}
    for name, changed in values.items():
        path = root / "configs" / f"{name}.json"
        write_json(path, {**json.loads(path.read_text(encoding="utf-8")), **changed})


def result_file(root: Path, settings: AdaptationSettings) -> Path:
    """What the training leaves: an adapter, or a whole network."""
    name = "adapter" if settings.method == AdaptationMethod.LORA else "network"
    return root / "models" / f"{name}.safetensors"


def trained_numbers(root: Path, settings: AdaptationSettings) -> dict[str, Any]:
    """Trained parameters, size of their file, and the end of the loss curve."""
    from safetensors import safe_open

    path = result_file(root, settings)
    with safe_open(path, framework="pt") as file:
        params = sum(math.prod(file.get_slice(key).get_shape()) for key in file.keys())  # noqa: SIM118 - no mapping
    if settings.method == AdaptationMethod.NONE:
        return {"params": 0, "bytes": 0}
    last: dict[str, Any] = json.loads((root / "eval" / "history.json").read_text(encoding="utf-8"))[-1]
    return {
        "params": params,
        "bytes": path.stat().st_size,
        "epochs": last["epoch"],
        "final_loss": last["loss"],
        "validation_loss": last.get("validation_loss"),
    }
