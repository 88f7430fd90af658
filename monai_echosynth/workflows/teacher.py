"""Reads a trained generator that others learn from: what it is, its sizes, and the files they take over."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from monai_echosynth.data.grid_file import GRIDS, read_grids
from monai_echosynth.diffusion.family import Family
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.workflows.bundle_config import read_config
from monai_echosynth.workflows.checksums import file_digest
from monai_echosynth.workflows.training_settings import GenerativeSettings, StageBudget

__all__ = ["Teacher", "read_teacher"]

_FAMILIES = (Family.EDM_L64, Family.EDM_L128, Family.EDM)
_WEIGHTS = ("autoencoder.safetensors", "diffusion.safetensors")


@dataclass(frozen=True)
class Teacher:
    """A trained generator of an EDM family.

    Attributes:
        folder: its bundle.
        family: its family; None where the bundle is older than families and denoises latents.
        autoencoder_size: preset of its autoencoder.
        size: preset of its denoising network.
        spatial_size: side of its frames in pixels.
        conditions: classes of view and phase that it is told.
    """

    folder: Path
    family: Family | None
    autoencoder_size: str
    size: str
    spatial_size: int
    conditions: tuple[str, ...]

    def settings(self, budget: StageBudget, variants: int) -> GenerativeSettings:
        """Settings of a network of the same latents."""
        first = StageBudget(self.autoencoder_size, 1, 1, 1, 1e-3)
        return GenerativeSettings(self.spatial_size, first, budget, variants)

    def identity(self) -> dict[str, str]:
        """Digests of its weights, by file."""
        return {name: file_digest(self.folder / "models" / name) for name in _WEIGHTS}

    def copy_first_stage(self, models: Path) -> None:
        """Copies autoencoder and, where there is one, texture into ``models``, unless they are there."""
        models.mkdir(parents=True, exist_ok=True)
        for name in ("autoencoder.safetensors", "texture.safetensors"):
            if (self.folder / "models" / name).is_file() and not (models / name).is_file():
                shutil.copyfile(self.folder / "models" / name, models / name)


def read_teacher(bundle: str | Path) -> Teacher:
    """The teacher in ``bundle``.

    Raises:
        EchoSynthError: the folder is no trained ``echo_generative_diffusion`` bundle, its family is not one of EDM, or it is a
            few-step student itself.
    """
    folder = Path(bundle)
    config: dict[str, Any] = read_config(folder)
    missing = [name for name in _WEIGHTS if not (folder / "models" / name).is_file()]
    sizes = ("autoencoder_size", "size", "spatial_size")
    if missing or "remapping" in config or any(name not in config for name in sizes):
        what = f"models/{missing[0]} missing" if missing else "an adapted generator or another network"
        raise EchoSynthError(
            f"a teacher must be a trained echo_generative_diffusion bundle, got {bundle} ({what}): name one with its weights"
        )
    family = Family(config["family"]) if "family" in config else None
    if family is not None and family not in _FAMILIES:
        raise EchoSynthError(
            f"a teacher must be of a family {', '.join(_FAMILIES)}, got {family} in {bundle}: train one of these"
        )
    if read_grids(folder / "models" / GRIDS).complete:
        raise EchoSynthError(
            f"a teacher must be a diffusion model, got a few-step student in {bundle}: name its teacher"
        )
    first, second, side = (config[name] for name in sizes)
    return Teacher(folder, family, first, second, int(side), tuple(config.get("conditions") or ()))
