"""Tells seeded samplers which epoch begins."""

from __future__ import annotations

from ignite.engine import Engine, Events

from monai_echosynth.data.seeded import SeededSampler

__all__ = ["EpochSeed"]


class EpochSeed:
    """Sets the epoch of a sampler when an epoch starts, so that its draws follow from (seed, epoch).

    Args:
        sampler: the sampler of the training loader.
    """

    def __init__(self, sampler: SeededSampler) -> None:
        self.sampler = sampler

    def attach(self, engine: Engine) -> None:
        """Register with a trainer."""
        engine.add_event_handler(Events.EPOCH_STARTED, self)

    def __call__(self, engine: Engine) -> None:
        """Set the epoch."""
        self.sampler.set_epoch(engine.state.epoch)
