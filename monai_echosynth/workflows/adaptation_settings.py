"""What shapes an adaptation: where the adapter sits, its size, and the budget of its training."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

__all__ = ["PARAMETERS", "AdaptationMethod", "AdaptationSettings"]

PARAMETERS = 135_000
"""Trained parameters of an adapter whose rank is not chosen."""

_DECODER = ("decoder_epochs", "decoder_learning_rate")


class AdaptationMethod(StrEnum):
    """What an adaptation trains."""

    LORA = "lora"
    """Low-rank factors on the frozen base."""
    FULL = "full"
    """Every weight of the denoising network, from those of the base on."""
    SCRATCH = "scratch"
    """Every weight of the denoising network, from random ones on."""
    NONE = "none"
    """Nothing: the base as it is, texture included, under the label rules."""


@dataclass(frozen=True)
class AdaptationSettings:
    """Settings of one adapter.

    Attributes:
        groups: layer groups that get low-rank factors: ``linear``, ``self_attention``, ``cross_attention``, ``convolution``,
            ``spade``.
        rank: inner dimension of the factors; that which comes closest to ``PARAMETERS`` when omitted.
        alpha: scale of the adapter is alpha / rank; alpha equals the rank when omitted.
        dropout: on the input of the adapter in training.
        epochs: number of epochs.
        samples_per_epoch: frames drawn per epoch.
        batch_size: frames per step and process.
        learning_rate: peak learning rate of AdamW.
        decoder_epochs: epochs in which the decoder of the autoencoder learns the new frames, while the encoder, and hence the
            latents, stay as they are; 0 keeps the decoder of the base.
        decoder_learning_rate: its peak learning rate.
        variants: warped versions of every frame in the latent cache, the frame itself included.
        seed: seed of the adapter's start, order, warps and noise.
        method: what is trained; ``groups`` to ``dropout`` shape the method ``lora`` alone.
    """

    groups: tuple[str, ...] = ("spade",)
    rank: int | None = None
    alpha: float | None = None
    dropout: float = 0.0
    epochs: int = 40
    samples_per_epoch: int = 800
    batch_size: int = 16
    learning_rate: float = 5e-3
    decoder_epochs: int = 5
    decoder_learning_rate: float = 5e-4
    variants: int = 32
    seed: int = 0
    method: str = AdaptationMethod.LORA

    def sized(self, size: str) -> AdaptationSettings:
        """The same with a rank, for a base of the preset ``size``."""
        if self.rank is not None or self.method != AdaptationMethod.LORA:
            return replace(self, rank=self.rank or 1)
        import torch

        from monai_echosynth.adaptation import rank_for
        from monai_echosynth.networks.nets.presets import spade_unet

        with torch.device("meta"):  # shapes are enough
            network = spade_unet(size)
        return replace(self, rank=rank_for(network, self.groups, PARAMETERS))

    def ids(self) -> dict[str, Any]:
        """Values by config id of ``train.json``."""
        values = {**asdict(self), "groups": list(self.groups), "lora_rank": self.rank}
        for name in (
            "rank",
            "method",
            *_DECODER,
        ):  # the process's number in a bundle; the method chooses the config files
            values.pop(name)
        return values

    def decoder_ids(self) -> dict[str, Any]:
        """Values by config id of ``train_decoder.json``."""
        return {name: getattr(self, name) for name in (*_DECODER, "samples_per_epoch", "batch_size", "seed")}
