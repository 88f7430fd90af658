"""Budgets and sizes of the guided generator, by preset."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from monai_echosynth.networks.nets.guided_unet import Guidance
from monai_echosynth.workflows.guides import PROMPT
from monai_echosynth.workflows.training_settings import Preset, StageBudget, check_budget

__all__ = ["GUIDED_PRESETS", "GuidedSettings"]


@dataclass(frozen=True)
class GuidedSettings:
    """Everything that shapes a guided generator.

    Attributes:
        spatial_size: side of the frames in pixels.
        autoencoder: budget of the gamma-VAE.
        diffusion: budget of the denoising network.
        guidance: what guides the synthesis.
        prompt: text of frames without one of their own, their class for ``{}``.
        conditioning_dropout: share of frames whose guide the network does not see, for classifier-free guidance.
        variants: versions of every frame in the latent cache: itself, and mirrored ones.
    """

    spatial_size: int
    autoencoder: StageBudget
    diffusion: StageBudget
    guidance: Guidance = Guidance.CLASS
    prompt: str = PROMPT
    conditioning_dropout: float = 0.1
    variants: int = 2

    def scaled(self, budget: float) -> GuidedSettings:
        """The same with the epochs of both networks times ``budget``, at least one.

        Raises:
            EchoSynthError: the budget is not positive.
        """
        check_budget(budget)
        stages = (self.autoencoder, self.diffusion)
        first, second = (replace(stage, epochs=max(1, round(budget * stage.epochs))) for stage in stages)
        return replace(self, autoencoder=first, diffusion=second)


GUIDED_PRESETS: Mapping[Preset, GuidedSettings] = {
    Preset.QUICK: GuidedSettings(96, StageBudget("quick", 20, 320, 16, 3e-3), StageBudget("quick", 40, 1600, 32, 1e-3)),
    Preset.CPU: GuidedSettings(128, StageBudget("cpu", 20, 800, 16, 2e-3), StageBudget("cpu", 120, 1600, 32, 6e-4)),
    Preset.PAPER: GuidedSettings(
        256, StageBudget("l64", 200, 1800, 12, 1e-4), StageBudget("paper", 1000, 1280, 64, 1e-4)
    ),
}
