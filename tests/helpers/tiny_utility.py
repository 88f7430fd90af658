"""The utility study at a size for seconds."""

from __future__ import annotations

from monai_echosynth.workflows.adaptation_settings import AdaptationSettings
from monai_echosynth.workflows.utility_settings import UtilitySettings
from tests.helpers.tiny_gan import TINY_GAN
from tests.helpers.tiny_generator import TINY_SETTINGS
from tests.helpers.tiny_segmenter import TINY_SEGMENTER

__all__ = ["TINY_UTILITY"]

TINY_UTILITY = UtilitySettings(
    TINY_SETTINGS,
    TINY_GAN,
    AdaptationSettings(rank=1, epochs=1, samples_per_epoch=4, batch_size=4, decoder_epochs=1, variants=1),
    TINY_SETTINGS,
    TINY_SEGMENTER,
    patients=(2,),
    ratios=(0.0, 1.0),
    pool=1.0,
    nfe=2,
    solver="euler",
    compute_calls=2,
    latents=4,
    judged=4,
)
