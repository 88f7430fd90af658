"""Writes the adapter of a network when training ends."""

from __future__ import annotations

from pathlib import Path

from ignite.engine import Engine, Events
from torch import nn

from monai_echosynth.adaptation import save_adapter
from monai_echosynth.data.mask_r2 import Remapping

__all__ = ["SaveAdapter"]


class SaveAdapter:
    """Saves the adapter that acts on a network at the end of a run, with the rules of its labels inside.

    Args:
        network: network that carries the adapter; the moving average in most trainings.
        path: file to write, ``.safetensors``.
        remapping: rules from the labels of the adapter's domain to those of the base.
        enabled: switch for ranks other than 0.
    """

    def __init__(self, network: nn.Module, path: str | Path, remapping: Remapping, enabled: bool = True) -> None:
        self.network = network
        self.path = Path(path)
        self.remapping = remapping
        self.enabled = enabled

    def attach(self, engine: Engine) -> None:
        """Register with a trainer."""
        engine.add_event_handler(Events.COMPLETED, self)

    def __call__(self, engine: Engine) -> None:
        """Write the file."""
        if self.enabled:
            rules, table = self.remapping.to_dict(), self.remapping.source.to_dict()
            save_adapter(self.path, self.network, remapping=rules, label_table=table)
