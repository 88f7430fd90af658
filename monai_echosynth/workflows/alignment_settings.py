"""What shapes an alignment: its budget, and which components of the aligner take part."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from monai_echosynth.errors import EchoSynthError

__all__ = ["COMPONENTS", "AlignmentSettings"]

COMPONENTS: Mapping[str, Mapping[str, Any]] = {
    "filters": {"filters": False},
    "attention": {"reaches": [[], []]},
    "local_heads": {"reaches": [[], [None]]},
    "global_heads": {"reaches": [[8, 4], [4]]},
    "alignment": {"alignment": 0.0},
    "local_stage": {"local_stage": False},
    "global_stage": {"global_stage": False},
    "shift": {"max_shift": 0.0},
    "stochastic": {"stochastic": False},
    "dynamic": {"dynamic": False},
    "agreement": {"agreement": 0.0},
    "own_view": {"own_view": False},
    "identity": {"identity": 0.0},
    "diversity": {"diversity": 0.0},
    "bridge": {"bridge": False},
    "matching": {"candidates": 1},
    "critic": {"realism": 0.0},
}
"""Component to the config ids that switch it off."""


@dataclass(frozen=True)
class AlignmentSettings:
    """Settings of one aligner.

    Attributes:
        epochs: number of epochs.
        samples_per_epoch: synthetic frames drawn per epoch.
        batch_size: frames per step.
        learning_rate: peak learning rate of AdamW.
        exemplars: real frames that a synthetic one is aligned to.
        candidates: frames of the bank that they are the nearest of in style; with as many as exemplars chance decides.
        seed: seed of weights, order, exemplars and noise.
        ids: further config ids of the bundle, such as those in ``COMPONENTS``.
    """

    epochs: int = 12
    samples_per_epoch: int = 400
    batch_size: int = 8
    learning_rate: float = 2e-3
    exemplars: int = 1
    candidates: int = 8
    seed: int = 0
    ids: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("epochs", "samples_per_epoch", "batch_size"):
            if getattr(self, name) < 1:
                raise EchoSynthError(f"'{name}' of an aligner is 1 or more, got {getattr(self, name)}: correct it")
        if not 1 <= self.exemplars <= self.candidates:
            raise EchoSynthError(
                f"exemplars must be 1 or more and at most the candidates, got {self.exemplars} of {self.candidates}: correct them"
            )

    @property
    def frames(self) -> int:
        """Synthetic frames that a training sees."""
        return self.epochs * self.samples_per_epoch

    def config(self) -> dict[str, Any]:
        """Values by config id."""
        names = ("epochs", "samples_per_epoch", "batch_size", "learning_rate", "exemplars", "candidates", "seed")
        return {**{name: getattr(self, name) for name in names}, **self.ids}
