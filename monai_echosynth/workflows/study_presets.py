"""Sizes and budgets of a whole study, by preset."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from monai_echosynth.diffusion.solvers import SolverName
from monai_echosynth.workflows.segmentation import SEGMENTATION_PRESETS, SegmentationPreset, SegmentationSettings
from monai_echosynth.workflows.training_settings import PRESETS, GenerativeSettings, Preset

__all__ = ["STUDIES", "SamplingSettings", "StudySettings"]


@dataclass(frozen=True)
class SamplingSettings:
    """How images are drawn.

    Attributes:
        solver: numerical method.
        nfe: network calls per image.
        copies: warped copies of every mask that are used besides the mask itself. None by default: on CAMUS, further seeds of
            the masks themselves trained better segmenters than warped masks did.
    """

    solver: str = str(SolverName.DPMPP_2M_SDE)
    nfe: int = 24
    copies: int = 0


@dataclass(frozen=True)
class StudySettings:
    """A study.

    Attributes:
        generative: gamma-VAE and diffusion.
        segmentation: the budget that all arms share.
        sampling: how images are drawn.
        images_per_mask: synthetic images per training mask.
        n_test: test patients.
        max_train: most patients in training and validation together.
        phantom_patients: patients of the phantom, all sections together.
        phantom_views: views of the phantom.
        weights: expected seconds of the long stages on two cores, for the estimate of the time left.
    """

    generative: GenerativeSettings
    segmentation: SegmentationSettings
    sampling: SamplingSettings = field(default_factory=SamplingSettings)
    images_per_mask: int = 3
    n_test: int = 50
    max_train: int = 398
    phantom_patients: int = 450
    phantom_views: tuple[str, ...] = ("2CH", "4CH")
    weights: Mapping[str, float] = field(
        default_factory=lambda: {
            "autoencoder": 300,
            "latents": 90,
            "diffusion": 2400,
            "generate": 700,
            "segmenter": 480,
        }
    )


STUDIES: Mapping[Preset, StudySettings] = {
    Preset.QUICK: StudySettings(
        PRESETS[Preset.QUICK],
        SEGMENTATION_PRESETS[SegmentationPreset.QUICK],
        SamplingSettings(nfe=16),
        images_per_mask=2,
        n_test=20,
        max_train=80,
        phantom_patients=100,
        weights={"autoencoder": 75, "latents": 10, "diffusion": 170, "generate": 70, "segmenter": 80},
    ),
    Preset.CPU: StudySettings(PRESETS[Preset.CPU], SEGMENTATION_PRESETS[SegmentationPreset.CPU]),
    Preset.PAPER: StudySettings(
        PRESETS[Preset.PAPER],
        SEGMENTATION_PRESETS[SegmentationPreset.PAPER],
        SamplingSettings(str(SolverName.HEUN), 99, copies=5),
        images_per_mask=6,
        weights={"autoencoder": 1e5, "latents": 1e3, "diffusion": 1e6, "generate": 1e5, "segmenter": 1e5},
    ),
}
