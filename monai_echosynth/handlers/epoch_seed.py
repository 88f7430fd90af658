"""Makes the random draws of an epoch a function of (seed, epoch): order and augmentation, and dropout where there is some."""

from __future__ import annotations

import torch
from ignite.engine import Engine, Events

from monai_echosynth.data.seeded import SeededSampler
from monai_echosynth.diffusion.seeding import derive_seed

__all__ = ["EpochSeed"]


class EpochSeed:
    """Sets the epoch of a sampler when an epoch starts, so that its draws follow from (seed, epoch).

    Args:
        sampler: the sampler of the training loader.
        dropout: also seed torch's global generator, from which dropout and stochastic depth draw; each rank has its own draws.
    """

    def __init__(self, sampler: SeededSampler, dropout: bool = False) -> None:
        self.sampler = sampler
        self.dropout = dropout

    def attach(self, engine: Engine) -> None:
        """Register with a trainer."""
        engine.add_event_handler(Events.EPOCH_STARTED, self)

    def __call__(self, engine: Engine) -> None:
        """Set the epoch."""
        self.sampler.set_epoch(engine.state.epoch)
        if self.dropout:
            torch.manual_seed(derive_seed(self.sampler.seed, "dropout", engine.state.epoch, self.sampler.rank))
