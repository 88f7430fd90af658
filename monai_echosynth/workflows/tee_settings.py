"""Sizes and budgets of the adaptation study on the esophageal phantom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from monai_echosynth.workflows.adaptation_settings import AdaptationSettings
from monai_echosynth.workflows.segmentation import SEGMENTATION_PRESETS, SegmentationPreset, SegmentationSettings
from monai_echosynth.workflows.training_settings import PRESETS, Preset

__all__ = ["STRONG_AFFINE", "TeeSettings"]

STRONG_AFFINE: Mapping[str, Any] = {
    "train::geometric_transforms::0::prob": 1.0,
    "train::geometric_transforms::0::rotate_range": 0.7,
    "train::geometric_transforms::0::scale_range": [[-0.45, 0.45], [-0.45, 0.45]],
    "train::geometric_transforms::0::shear_range": [0.25, 0.25],
}
"""Config ids of the segmenter for an arm whose affine augmentation is twice as strong as usual."""


@dataclass(frozen=True)
class TeeSettings:
    """The study.

    Attributes:
        size: side of the frames in pixels, that of the base.
        frames: target frames that adapt the generator and train the segmenters.
        patients: patients of the target phantom.
        n_test: test patients among them.
        base_patients: patients of the phantom that the base is trained on, when none is given.
        adaptation: adapter and its budget.
        segmentation: budget that all arms share.
        synthetic: synthetic frames, half from the masks of the target frames and half from the shape model.
        solver: numerical method of generation.
        nfe: network calls per image.
    """

    size: int = PRESETS[Preset.QUICK].spatial_size
    frames: int = 50
    patients: int = 70
    n_test: int = 40
    base_patients: int = 100
    adaptation: AdaptationSettings = field(
        default_factory=lambda: AdaptationSettings(
            ("linear", "self_attention", "convolution", "spade"), rank=4, epochs=20, samples_per_epoch=640
        )
    )
    segmentation: SegmentationSettings = SEGMENTATION_PRESETS[SegmentationPreset.QUICK]
    synthetic: int = 400
    solver: str = "dpmpp_2m_sde"
    nfe: int = 16
