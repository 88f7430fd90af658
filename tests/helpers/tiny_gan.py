"""The SPADE-GAN at a size for tests."""

from __future__ import annotations

from monai_echosynth.networks.nets.mask_discriminator import MaskDiscriminator
from monai_echosynth.networks.nets.presets import mask_discriminator, spade_generator
from monai_echosynth.networks.nets.spade_generator import SpadeGenerator
from monai_echosynth.workflows.gan import GanSettings
from tests.helpers.tiny_generator import scramble

__all__ = ["TINY_GAN", "tiny_discriminator", "tiny_spade_generator"]

TINY_GAN = GanSettings(32, "quick", epochs=2, samples_per_epoch=8, batch_size=4, scales=1)


def tiny_spade_generator(seed: int = 0) -> SpadeGenerator:
    """For frames of 32 x 32, with weights that matter."""
    network: SpadeGenerator = scramble(spade_generator("quick", 32), seed)
    return network


def tiny_discriminator() -> MaskDiscriminator:
    """For frames of 32 x 32, one scale."""
    return mask_discriminator("quick", 32, scales=1)
