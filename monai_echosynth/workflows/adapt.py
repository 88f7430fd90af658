"""Adapts a frozen generator to other frames: an ``echo_tee_adaptation`` bundle from an ``echo_generative_diffusion`` bundle.

The bundle holds a copy of the base, the adapter, the label rules (MaskR2) and a texture measured on the new frames; it generates
like the base does, from label maps of the new table. For comparison the whole network can be trained instead, from the weights
of the base or from random ones. An interrupted training goes on after its last whole epoch.
"""

from __future__ import annotations

import json
import math
import shutil
from dataclasses import asdict, replace
from os import PathLike
from pathlib import Path
from typing import Any

from monai_echosynth.data.atomic import write_json
from monai_echosynth.data.builtin_labels import SEMANTIC_LABELS
from monai_echosynth.data.check_prepared import check_prepared
from monai_echosynth.data.datalist import load_datalist, read_dataset_json
from monai_echosynth.data.folder_labels import check_table, folder_labels
from monai_echosynth.data.mask_r2 import Remapping
from monai_echosynth.data.mask_r2_proposal import propose_remapping
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.workflows.adaptation_settings import AdaptationMethod, AdaptationSettings
from monai_echosynth.workflows.bundles import bundle_source
from monai_echosynth.workflows.checksums import write_checksums
from monai_echosynth.workflows.run_bundle import run_bundle
from monai_echosynth.workflows.texture import fit_texture
from monai_echosynth.workflows.training_folder import claim_folder

__all__ = ["BUNDLE", "adapt"]

BUNDLE = "echo_tee_adaptation"

_SIZES = ("autoencoder_size", "size", "spatial_size")
_BASE = ("autoencoder.safetensors", "diffusion.safetensors")


def adapt(
    base: str | PathLike[str],
    data: str | PathLike[str],
    out: str | PathLike[str],
    rules: str | PathLike[str] | None = None,
    settings: AdaptationSettings | None = None,
    progress: bool = True,
) -> dict[str, Any]:
    """Trains an adapter and leaves a ready bundle.

    Args:
        base: trained ``echo_generative_diffusion`` bundle.
        data: prepared folder of the frames to adapt to, with its own label table or that of the base.
        out: bundle folder to write.
        rules: JSON file of label rules, as ``echosynth remap`` writes it; proposed from the names when omitted.
        settings: adapter and budget.
        progress: show a progress bar.

    Returns:
        ``params`` (trained), ``bytes`` (of the adapter file), ``frames``, ``epochs``, ``final_loss``, ``validation_loss``.

    Raises:
        EchoSynthError: the base has no weights, the folder is not prepared at the base's size or has fewer frames than a batch,
            the rules do not fit its labels, or ``out`` holds something else.
    """
    settings = settings or AdaptationSettings()
    root, source = Path(out), Path(base)
    sizes = _base_sizes(source)
    found = read_dataset_json(data).get("spatial_size")
    if found != [sizes["spatial_size"]] * 2:
        raise EchoSynthError(
            f"frames must have the size of the base, {sizes['spatial_size']} x {sizes['spatial_size']}, got {found} in "
            f"{data}: prepare them with --size {sizes['spatial_size']}"
        )
    for section in ("training", "validation"):
        check_prepared(data, section)
    frames = len(load_datalist(data, "training"))
    if frames < settings.batch_size:
        raise EchoSynthError(
            f"an adaptation needs at least as many frames as a batch, got {frames} frames in {data} and batch_size = "
            f"{settings.batch_size}: add frames or choose a smaller batch"
        )
    remapping = _remapping(data, rules)
    claim = {"base": str(source.resolve()), "data": str(Path(data).resolve()), "rules": remapping.to_dict()}
    claim_folder(root, {**claim, **asdict(settings)})
    _write_bundle(root, source, sizes, remapping, settings)
    models = root / "models"
    if not (models / "texture.safetensors").is_file():
        size = sizes["autoencoder_size"]
        fit_texture(data, models / "autoencoder.safetensors", size, models / "texture.safetensors")
    if not _result_file(root, settings).is_file():
        ids = {"dataset_dir": str(data), "progress": progress, **settings.ids()}
        configs = ["train.json"]
        if settings.method != AdaptationMethod.LORA:
            configs.append("finetune.json")
            ids["pretrained"] = settings.method == AdaptationMethod.FULL
        run_bundle(root, configs, "train", **ids)
        shutil.rmtree(models / "checkpoints", ignore_errors=True)
    write_checksums(root)
    return {"frames": frames, **_result(root, settings)}


def _base_sizes(base: Path) -> dict[str, Any]:
    """Sizes of the base, from its config; checks that it is a trained generator."""
    config = base / "configs" / "inference.json"
    missing = [path for path in (config, *(base / "models" / name for name in _BASE)) if not path.is_file()]
    if missing:
        raise EchoSynthError(
            f"a trained echo_generative_diffusion bundle was expected, got {base} without "
            f"{missing[0].relative_to(base).as_posix()}: name the bundle to adapt"
        )
    content = json.loads(config.read_text(encoding="utf-8"))
    return {name: content[name] for name in _SIZES}


def _remapping(data: str | PathLike[str], rules: str | PathLike[str] | None) -> Remapping:
    if rules is None:
        return propose_remapping(folder_labels(data).semantic, SEMANTIC_LABELS)
    remapping = Remapping.from_file(rules)
    check_table(data, remapping.source)
    return replace(remapping, source=folder_labels(data).semantic)


def _write_bundle(
    root: Path, base: Path, sizes: dict[str, Any], remapping: Remapping, settings: AdaptationSettings
) -> None:
    """Copies the shipped bundle and the base's weights to ``root`` and writes sizes, budget and rules."""
    shutil.copytree(bundle_source(BUNDLE), root, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".gitkeep"))
    (root / "models").mkdir(exist_ok=True)
    for name in _BASE:
        if not (root / "models" / name).is_file():
            shutil.copyfile(base / "models" / name, root / "models" / name)
    write_json(root / "rules.json", remapping.to_dict())
    networks = {name: sizes[name] for name in ("autoencoder_size", "size")}
    values = {"inference": sizes, "train": {**networks, **settings.ids()}}
    if settings.method != AdaptationMethod.LORA:
        override = (root / "configs" / "finetuned_inference.json").read_text(encoding="utf-8")
        values["inference"] = {**sizes, **json.loads(override)}
    values["fit_texture"] = {"autoencoder_size": sizes["autoencoder_size"]}
    for name, changed in values.items():
        path = root / "configs" / f"{name}.json"
        write_json(path, {**json.loads(path.read_text(encoding="utf-8")), **changed})


def _result_file(root: Path, settings: AdaptationSettings) -> Path:
    name = "adapter" if settings.method == AdaptationMethod.LORA else "network"
    return root / "models" / f"{name}.safetensors"


def _result(root: Path, settings: AdaptationSettings) -> dict[str, Any]:
    from safetensors import safe_open

    path = _result_file(root, settings)
    with safe_open(path, framework="pt") as file:
        params = sum(math.prod(file.get_slice(key).get_shape()) for key in file.keys())  # noqa: SIM118 - no mapping
    last: dict[str, Any] = json.loads((root / "eval" / "history.json").read_text(encoding="utf-8"))[-1]
    return {
        "params": params,
        "bytes": path.stat().st_size,
        "epochs": last["epoch"],
        "final_loss": last["loss"],
        "validation_loss": last.get("validation_loss"),
    }
