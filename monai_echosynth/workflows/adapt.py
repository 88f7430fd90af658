"""Adapts a frozen generator to other frames: an ``echo_tee_adaptation`` bundle from an ``echo_generative_diffusion`` bundle.

The bundle holds a copy of the base, the adapter, a decoder that learned the new frames, the label rules (MaskR2) and a texture
measured on these frames; it generates like the base does, from label maps of the new table. For comparison the whole network can
be trained instead, from the weights of the base or from random ones. An interrupted training goes on after its last whole epoch.
"""

from __future__ import annotations

import shutil
from dataclasses import asdict, replace
from os import PathLike
from pathlib import Path
from typing import Any

from monai_echosynth.data.builtin_labels import SEMANTIC_LABELS
from monai_echosynth.data.check_prepared import check_prepared
from monai_echosynth.data.datalist import load_datalist, read_dataset_json
from monai_echosynth.data.folder_labels import check_table, folder_labels
from monai_echosynth.data.mask_r2 import Remapping
from monai_echosynth.data.mask_r2_proposal import propose_remapping
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.workflows.adaptation_settings import AdaptationMethod, AdaptationSettings
from monai_echosynth.workflows.adapted_bundle import (
    DECODER,
    TEXTURE,
    base_sizes,
    result_file,
    trained_numbers,
    write_adapted_bundle,
)
from monai_echosynth.workflows.checksums import write_checksums
from monai_echosynth.workflows.run_bundle import run_bundle
from monai_echosynth.workflows.texture import fit_texture
from monai_echosynth.workflows.training_folder import claim_folder

__all__ = ["adapt"]


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
        ``frames``, ``params`` (trained), ``bytes`` (of their file) and, unless nothing is trained, ``epochs``, ``final_loss``,
        ``validation_loss``.

    Raises:
        EchoSynthError: the base has no weights, the folder is not prepared at the base's size or has fewer frames than a batch,
            the rules do not fit its labels, or ``out`` holds something else.
    """
    settings = settings or AdaptationSettings()
    root, source = Path(out), Path(base)
    sizes = base_sizes(source)
    settings = settings.sized(sizes["size"])
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
    write_adapted_bundle(root, source, sizes, remapping, settings)
    models = root / "models"
    if not (models / DECODER).is_file():
        _train_decoder(root, data, settings, progress)
    if not (models / TEXTURE).is_file():
        fit_texture(Path(data), models / DECODER, sizes["autoencoder_size"], models / TEXTURE)
    if not result_file(root, settings).is_file():
        _train(root, data, settings, progress)
    write_checksums(root)
    return {"frames": frames, **trained_numbers(root, settings)}


def _train_decoder(root: Path, data: str | PathLike[str], settings: AdaptationSettings, progress: bool) -> None:
    if settings.method == AdaptationMethod.NONE or settings.decoder_epochs == 0:
        shutil.copyfile(root / "models" / "autoencoder.safetensors", root / "models" / DECODER)
        return
    run_bundle(root, "train_decoder.json", "train", dataset_dir=str(data), progress=progress, **settings.decoder_ids())
    shutil.rmtree(root / "models" / "checkpoints_decoder", ignore_errors=True)


def _train(root: Path, data: str | PathLike[str], settings: AdaptationSettings, progress: bool) -> None:
    if settings.method == AdaptationMethod.NONE:
        shutil.copyfile(root / "models" / "diffusion.safetensors", result_file(root, settings))
        return
    ids = {"dataset_dir": str(data), "progress": progress, **settings.ids()}
    configs = ["train.json"]
    if settings.method != AdaptationMethod.LORA:
        configs.append("finetune.json")
        ids["pretrained"] = settings.method == AdaptationMethod.FULL
    run_bundle(root, configs, "train", **ids)
    shutil.rmtree(root / "models" / "checkpoints", ignore_errors=True)


def _remapping(data: str | PathLike[str], rules: str | PathLike[str] | None) -> Remapping:
    if rules is None:
        return propose_remapping(folder_labels(data).semantic, SEMANTIC_LABELS)
    remapping = Remapping.from_file(rules)
    check_table(data, remapping.source)
    return replace(remapping, source=folder_labels(data).semantic)
