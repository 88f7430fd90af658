"""Sizes and budgets of the adaptation study."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from monai_echosynth.workflows.adaptation_settings import AdaptationMethod, AdaptationSettings
from monai_echosynth.workflows.alignment_settings import AlignmentSettings
from monai_echosynth.workflows.segmentation import SEGMENTATION_PRESETS, SegmentationPreset, SegmentationSettings
from monai_echosynth.workflows.training_settings import PRESETS, Preset

__all__ = ["ALL_GROUPS", "ANNEALED", "COMPARED", "STRONG_AFFINE", "TeeSettings"]

ALL_GROUPS = ("linear", "self_attention", "convolution", "spade")
"""Every layer group of the generator's network, which has no cross-attention."""

COMPARED: Mapping[str, Mapping[str, Any]] = {
    "all": {"groups": ALL_GROUPS},
    "linear": {"groups": ("linear",)},
    "self_attention": {"groups": ("self_attention",)},
    "convolution": {"groups": ("convolution",)},
    "spade": {"groups": ("spade",)},
    "full": {"method": AdaptationMethod.FULL, "learning_rate": 5e-4},
    "scratch": {"method": AdaptationMethod.SCRATCH, "learning_rate": 1e-3},
    "base": {"method": AdaptationMethod.NONE},
}
"""What the study compares the default adaptation with: name to the settings in which it differs. Adapters here have the rank that
makes them one size."""

ANNEALED: Mapping[str, Any] = {"extra_share": 0.8, "extra_until": 0.5}
"""Config ids of the segmenter for the arm *mixed*: synthetic frames at first, real ones alone at the end."""

STRONG_AFFINE: Mapping[str, Any] = {
    "train::geometric_transforms::0::prob": 1.0,
    "train::geometric_transforms::0::rotate_range": 0.7,
    "train::geometric_transforms::0::scale_range": [[-0.45, 0.45], [-0.45, 0.45]],
    "train::geometric_transforms::0::shear_range": [0.25, 0.25],
}
"""Config ids of the segmenter for an arm with strong affine augmentation: of every frame instead of 70 %, rotation by up to 40
degrees instead of 20, scale from .55 to 1.45 instead of .7 to 1.3, shear of .25 instead of .1; shifts as usual."""


@dataclass(frozen=True)
class TeeSettings:
    """The study.

    Attributes:
        frames: numbers of target frames that adapt the generator and train the segmenters, a study each.
        compared: names in ``COMPARED`` that are tried beside the default adaptation, at the first number of frames.
        size: side of the frames in pixels, that of the base.
        patients: patients of the target phantom.
        n_test: test patients among them.
        base_patients: patients of the phantom that the base is trained on, when none is given.
        adaptation: default adaptation.
        alignment: aligner of the default adaptation's frames.
        segmentation: budget that all segmenters share.
        synthetic: synthetic frames, half from the masks of the target frames and half from the shape model.
        solver: numerical method of generation.
        nfe: network calls per image.
        seed: seed of everything.
    """

    frames: tuple[int, ...] = (50,)
    compared: tuple[str, ...] = ()
    size: int = PRESETS[Preset.QUICK].spatial_size
    patients: int = 100
    n_test: int = 40
    base_patients: int = 100
    adaptation: AdaptationSettings = field(
        default_factory=lambda: AdaptationSettings(ALL_GROUPS, rank=16, epochs=16, samples_per_epoch=640)
    )
    alignment: AlignmentSettings = field(default_factory=lambda: AlignmentSettings(epochs=8))
    segmentation: SegmentationSettings = field(
        default_factory=lambda: replace(SEGMENTATION_PRESETS[SegmentationPreset.QUICK], iterations=500)
    )
    synthetic: int = 400
    solver: str = "dpmpp_2m_sde"
    nfe: int = 16
    seed: int = 0
