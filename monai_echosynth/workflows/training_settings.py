"""Budgets and sizes of the generative model, by preset.

``quick`` is for the phantom on two CPU cores (minutes), ``cpu`` for real frames at 128 pixels (about an hour), ``paper`` for
GPUs at 256 pixels with the network sizes of the efficient semantic diffusion paper. Every family of generators has sizes for each
preset: on a CPU those of equal cost, with the same budget, so that families differ in what they are and not in what they got.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from monai_echosynth.diffusion.family import PIXEL_FAMILIES, Family, named_family
from monai_echosynth.errors import EchoSynthError

__all__ = [
    "DEFAULT_FAMILY",
    "PRESETS",
    "GenerativeSettings",
    "Preset",
    "StageBudget",
    "check_budget",
    "family_settings",
    "whole_epochs",
]


def check_budget(budget: float) -> None:
    """Raises an EchoSynthError unless ``budget`` is a positive multiple."""
    if not budget > 0:
        raise EchoSynthError(f"a budget is a positive multiple of the preset's, got {budget}: use 1 for the preset")


def whole_epochs(iterations: int, epoch_iterations: int) -> tuple[int, int]:
    """Steps that a training makes, and those of its epochs: epochs are whole, and one is as long as the training at most.

    Raises:
        EchoSynthError: there is no step.
    """
    if iterations < 1 or epoch_iterations < 1:
        raise EchoSynthError(
            f"a training makes 1 step or more, got {iterations} in epochs of {epoch_iterations}: correct it"
        )
    length = min(epoch_iterations, iterations)
    return iterations // length * length, length


class Preset(StrEnum):
    """Named budgets."""

    QUICK = "quick"
    CPU = "cpu"
    PAPER = "paper"


@dataclass(frozen=True)
class StageBudget:
    """Training of one network.

    Attributes:
        size: preset of the network.
        epochs: number of epochs.
        samples_per_epoch: frames drawn per epoch.
        batch_size: frames per step and process.
        learning_rate: peak learning rate of AdamW.
    """

    size: str
    epochs: int
    samples_per_epoch: int
    batch_size: int
    learning_rate: float


@dataclass(frozen=True)
class GenerativeSettings:
    """Everything that shapes the generative model.

    Attributes:
        spatial_size: side of the frames in pixels.
        autoencoder: budget of the gamma-VAE.
        diffusion: budget of the denoising network.
        variants: warped versions of every frame in the latent cache, the frame itself included.
        log_sigma_mean: mean of the logarithm of the noise levels in training. Neighboring latents of a fine grid are alike and
            survive more noise, so that levels above EDM's (mean -1.2, found on color images of 32 x 32) still shape anatomy.
    """

    spatial_size: int
    autoencoder: StageBudget
    diffusion: StageBudget
    variants: int
    log_sigma_mean: float = -0.2

    def scaled(self, budget: float) -> GenerativeSettings:
        """The same with the epochs of both networks times ``budget``, at least one.

        Raises:
            EchoSynthError: the budget is not positive.
        """
        check_budget(budget)
        stages = (self.autoencoder, self.diffusion)
        first, second = (replace(stage, epochs=max(1, round(budget * stage.epochs))) for stage in stages)
        return replace(self, autoencoder=first, diffusion=second)


PRESETS: Mapping[Preset, GenerativeSettings] = {
    Preset.QUICK: GenerativeSettings(
        96, StageBudget("quick", 20, 320, 16, 3e-3), StageBudget("quick", 16, 1280, 32, 1e-3), variants=4
    ),
    Preset.CPU: GenerativeSettings(
        128, StageBudget("cpu", 10, 800, 16, 2e-3), StageBudget("cpu", 60, 1600, 32, 6e-4), variants=8
    ),
    Preset.PAPER: GenerativeSettings(
        256,
        StageBudget("l64", 200, 1800, 12, 1e-4),
        StageBudget("l64", 600, 9000, 120, 1e-4),
        variants=16,
        log_sigma_mean=-1.2,
    ),
}

DEFAULT_FAMILY: Mapping[Preset, Family] = {
    Preset.QUICK: Family.EDM_L128,
    Preset.CPU: Family.EDM_L128,
    Preset.PAPER: Family.EDM_L64,
}
"""The family whose sizes ``PRESETS`` holds."""

_PAPER_SIZES: Mapping[Family, tuple[str, int]] = {
    Family.EDM_L128: ("l128", 54),
    Family.EDM: ("edm", 24),
    Family.VE: ("ncsn", 24),
    Family.VP: ("ncsn", 24),
    Family.SDM: ("edm", 24),
}
"""Size of the U-Net and batch of the paper, where they are not those of ``PRESETS``."""

_PIXEL_VARIANTS = 4


def family_settings(preset: Preset | str, family: Family | str | None = None) -> GenerativeSettings:
    """Settings of a family at a preset; of the preset's own family when omitted.

    Models of frames have fewer warped versions of every frame in their cache, which then holds frames, not latents.

    Raises:
        EchoSynthError: there is no such family.
    """
    preset = Preset(preset)
    settings = PRESETS[preset]
    chosen = DEFAULT_FAMILY[preset] if family is None else named_family(family)
    if chosen is DEFAULT_FAMILY[preset]:
        return settings
    if preset is Preset.PAPER:
        size, batch_size = _PAPER_SIZES[chosen]
        settings = replace(settings, diffusion=replace(settings.diffusion, size=size, batch_size=batch_size))
    else:
        size = f"{preset}_{'pixel' if chosen in PIXEL_FAMILIES else 'l64'}"
        settings = replace(settings, diffusion=replace(settings.diffusion, size=size))
    if chosen in PIXEL_FAMILIES:
        return replace(settings, variants=min(settings.variants, _PIXEL_VARIANTS))
    return replace(settings, autoencoder=replace(settings.autoencoder, size=size))
