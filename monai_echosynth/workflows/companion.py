"""The companion of autoguidance: a small network of a generator's own latents and masks, trained for a fraction of its time.

What a companion must share with what it guides is the space (autoencoder), the mask channels and the classes; what it must not
share is the quality. It is a bundle of its own, and its first stage is a copy of the generator's.

References:
    Karras et al., "Guiding a Diffusion Model with a Bad Version of Itself": https://arxiv.org/abs/2406.02507
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from monai_echosynth.data.check_prepared import check_prepared, check_size
from monai_echosynth.data.grid_file import GRIDS, read_grids
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.workflows.bundle_config import read_config, read_metadata
from monai_echosynth.workflows.checksums import file_digest, write_checksums
from monai_echosynth.workflows.generative_bundle import write_generative_bundle
from monai_echosynth.workflows.teacher import Teacher, read_teacher
from monai_echosynth.workflows.train import train_diffusion
from monai_echosynth.workflows.training_folder import claim_folder
from monai_echosynth.workflows.training_settings import PRESETS, Preset

__all__ = ["COMPANION_SHARE", "companion_ids", "train_companion"]

COMPANION_SHARE = 1 / 8
"""Share of the preset's epochs that a companion is trained for."""

_SMALLER: Mapping[str, str] = {
    "cpu": "quick",
    "cpu_l64": "quick_l64",
    "cpu_pixel": "quick_pixel",
    "l64": "cpu_l64",
    "l128": "cpu",
    "edm": "cpu_pixel",
}


def train_companion(
    data: str | Path,
    teacher: str | Path,
    out: str | Path,
    preset: Preset | str = Preset.CPU,
    seed: int = 0,
    budget: float = 1.0,
    progress: bool = True,
) -> dict[str, Any]:
    """Train a companion and leave a ready bundle.

    Args:
        data: prepared folder of the generator to guide.
        teacher: bundle of that generator.
        out: bundle folder to write; an interrupted training in it goes on after its last epoch.
        preset: its budget, of which a companion gets ``COMPANION_SHARE``.
        seed: seed of weights, order, augmentation and noise.
        budget: multiple of that.
        progress: show bars.

    Returns:
        Parameters, epochs and losses; nothing where the companion was there.

    Raises:
        EchoSynthError: there is no such generator, the folder is not prepared at its size, or ``out`` holds something else.
    """
    source, root, own = read_teacher(teacher), Path(out), PRESETS[Preset(preset)]
    check_size(data, source.spatial_size)
    for section in ("training", "validation"):
        check_prepared(data, section)
    stage = replace(own.diffusion, size=_SMALLER.get(source.size, source.size))
    settings = source.settings(stage, own.variants).scaled(budget * COMPANION_SHARE)
    settings = replace(settings, log_sigma_mean=own.log_sigma_mean)
    claim = {"companion_of": source.identity(), "data": str(Path(data).resolve()), "seed": seed}
    claim_folder(root, {**claim, **asdict(settings)})
    write_generative_bundle(root, settings, source.conditions, source.family)
    source.copy_first_stage(root / "models")
    first, weights = (root / "models" / f"{name}.safetensors" for name in ("autoencoder", "diffusion"))
    metrics: dict[str, Any] = {}
    if not weights.is_file():
        folder = root / "eval" / "diffusion"
        told, family = source.conditions, source.family
        metrics = train_diffusion(data, first, folder, weights, settings, seed, progress, None, told, family)
    write_checksums(root)
    return metrics


def companion_ids(
    bundle: str | Path, companion: str | Path | None = None, guidance: float | None = None
) -> dict[str, Any]:
    """Config ids of ``inference.json`` that guide a generator by a companion; none where none is asked for.

    Args:
        bundle: generator.
        companion: bundle of a companion.
        guidance: weight, 1 or more; 1.5 when omitted.

    Raises:
        EchoSynthError: there is a weight without a companion, one of the two is no generator of an EDM family, or they differ in
            latents, mask channels or classes.
    """
    if companion is None:
        if guidance is None:
            return {}
        raise EchoSynthError(
            f"a guidance weight needs a companion network, got weight {guidance} without: name a companion bundle"
        )
    if "companion_path" not in read_config(bundle):
        raise EchoSynthError(f"the generator must know companions, got an older bundle in {bundle}: train it again")
    if read_grids(Path(bundle) / "models" / GRIDS).complete:
        raise EchoSynthError(
            f"a companion guides a diffusion model, got a few-step student in {bundle}: guide its teacher, or leave it out"
        )
    main, other = read_teacher(bundle), read_teacher(companion)
    _check_pair(main, other)
    return {
        "companion_path": str(other.folder / "models" / "diffusion.safetensors"),
        "companion_size": other.size,
        "guidance": 1.5 if guidance is None else guidance,
    }


def _check_pair(main: Teacher, other: Teacher) -> None:
    """Raises an EchoSynthError unless both denoise the same latents under the same masks and classes."""
    masks = [read_metadata(one.folder)["network_data_format"]["inputs"]["seg"]["channel_def"] for one in (main, other)]
    latents = [file_digest(one.folder / "models" / "autoencoder.safetensors") for one in (main, other)]
    for what, first, second in (
        ("mask channels", *masks),
        ("classes", main.conditions, other.conditions),
        ("frame size", main.spatial_size, other.spatial_size),
        ("latents (autoencoder)", *latents),
    ):
        if first != second:
            raise EchoSynthError(
                f"a companion must have the {what} of what it guides, got others in {other.folder} than in {main.folder}: "
                "train one with --model companion --teacher"
            )
