"""Writes the final weights of a network when training ends."""

from __future__ import annotations

from pathlib import Path

from ignite.engine import Engine, Events
from torch import nn

from monai_echosynth.networks.weights import save_weights

__all__ = ["SaveWeights"]


class SaveWeights:
    """Saves a network at the end of a run, as safetensors or as a plain state dict by the file's suffix.

    Args:
        network: network whose weights are saved; the moving average in most trainings.
        paths: one or more files.
        enabled: switch for ranks other than 0.
    """

    def __init__(self, network: nn.Module, paths: str | Path | list[str], enabled: bool = True) -> None:
        self.network = network
        self.paths = [Path(p) for p in ([paths] if isinstance(paths, (str, Path)) else paths)]
        self.enabled = enabled

    def attach(self, engine: Engine) -> None:
        """Register with a trainer."""
        engine.add_event_handler(Events.COMPLETED, self)

    def __call__(self, engine: Engine) -> None:
        """Write the files."""
        if self.enabled:
            for path in self.paths:
                save_weights(self.network, path)
