"""Sizes and budgets of the utility study, by preset.

``quick`` is for the phantom on two CPU cores, minutes at 64 pixels. ``camus`` is for real frames at 128 pixels, hours, in as many
parts as wanted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum

from monai_echosynth.workflows.adaptation_settings import AdaptationSettings
from monai_echosynth.workflows.gan import GAN_PRESETS
from monai_echosynth.workflows.segmentation import SEGMENTATION_PRESETS, SegmentationPreset
from monai_echosynth.workflows.tee_settings import ALL_GROUPS
from monai_echosynth.workflows.training_settings import PRESETS, GenerativeSettings, Preset, StageBudget
from monai_echosynth.workflows.utility_settings import UtilitySettings

__all__ = ["UTILITY_PRESETS", "UtilityPreset"]


class UtilityPreset(StrEnum):
    """Sizes and budgets."""

    QUICK = "quick"
    CAMUS = "camus"


_QUICK = GenerativeSettings(
    64, StageBudget("quick", 10, 320, 16, 3e-3), StageBudget("quick", 10, 1280, 32, 1e-3), variants=4
)
_CPU = replace(PRESETS[Preset.CPU], diffusion=replace(PRESETS[Preset.CPU].diffusion, epochs=40))

UTILITY_PRESETS: Mapping[UtilityPreset, UtilitySettings] = {
    UtilityPreset.QUICK: UtilitySettings(
        _QUICK,
        replace(GAN_PRESETS[Preset.QUICK], spatial_size=64, epochs=4),
        AdaptationSettings(ALL_GROUPS, rank=16, epochs=4, samples_per_epoch=640, decoder_epochs=2),
        _QUICK,
        replace(SEGMENTATION_PRESETS[SegmentationPreset.QUICK], spatial_size=64, iterations=250),
        patients=(5, 20),
        pool=2.0,
        nfe=16,
        compute_calls=32,
        latents=320,
        test_patients=20,
        base_patients=60,
        judged=80,
    ),
    UtilityPreset.CAMUS: UtilitySettings(
        _CPU,
        GAN_PRESETS[Preset.CPU],
        AdaptationSettings(ALL_GROUPS, rank=16, epochs=24, samples_per_epoch=800),
        _CPU,
        SEGMENTATION_PRESETS[SegmentationPreset.CPU],
        ratios=(0.0, 1.0, 5.0),
        phantom_patients=450,
        base_patients=200,
    ),
}
