r"""What a low-rank adapter is made of: where it sits, its rank and its scale.

.. math:: W' = W + \frac{\alpha}{r}\, B A, \qquad A \in \mathbb{R}^{r \times n}, \; B \in \mathbb{R}^{m \times r}

with :math:`W` frozen, :math:`A` random and :math:`B` zero at the start, so that training begins at the base.

References:
    E. Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models", ICLR 2022, https://arxiv.org/abs/2106.09685
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from torch import nn

from monai_echosynth.adaptation.lora_targets import LayerGroup, group_layers, lora_targets, parse_groups
from monai_echosynth.errors import EchoSynthError

__all__ = ["LoRASettings", "lora_shapes"]


@dataclass(frozen=True)
class LoRASettings:
    """Layer groups, rank, alpha and dropout of an adapter.

    Attributes:
        groups: layer groups; names are accepted, stored in the order of :class:`LayerGroup`.
        rank: inner dimension r of the two factors, at least 1; that is 172,320 parameters of ``spade`` at the paper's size.
        alpha: the low-rank product is scaled by alpha / rank; alpha equals the rank when omitted.
        dropout: on the input of the low-rank branch in training, 0 to below 1.

    Raises:
        EchoSynthError: a value is out of range, or a group unknown.
    """

    groups: tuple[LayerGroup, ...] = (LayerGroup.SPADE,)
    rank: int = 1
    alpha: float | None = None
    dropout: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "groups", parse_groups(self.groups))
        if type(self.rank) is not int or self.rank < 1:
            raise EchoSynthError(f"the rank of an adapter is a whole number from 1, got {self.rank!r}: choose 4, say")
        if self.alpha is not None and not (_is_number(self.alpha) and self.alpha > 0):
            raise EchoSynthError(f"alpha of an adapter is a positive number, got {self.alpha!r}: omit it for the rank")
        if not (_is_number(self.dropout) and 0 <= self.dropout < 1):
            raise EchoSynthError(f"dropout of an adapter is from 0 to below 1, got {self.dropout!r}: choose 0, say")

    @property
    def scale(self) -> float:
        """Factor alpha / rank of the low-rank product."""
        return 1.0 if self.alpha is None else self.alpha / self.rank

    @classmethod
    def from_dict(cls, settings: Mapping[str, Any]) -> LoRASettings:
        """Inverse of :meth:`to_dict`; what is omitted takes its default."""
        known = {field.name for field in fields(cls)}
        unknown = sorted(set(settings) - known)
        if unknown:
            raise EchoSynthError(
                f"adapter settings are {', '.join(sorted(known))}; got {unknown[0]!r}: correct the name"
            )
        return cls(**settings)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        groups = [str(group) for group in self.groups]
        return {"groups": groups, "rank": self.rank, "alpha": self.alpha, "dropout": self.dropout}


def lora_shapes(network: nn.Module, settings: LoRASettings) -> dict[str, tuple[tuple[int, ...], tuple[int, ...]]]:
    """Shapes of the factors A and B for each adapted layer.

    A has the kernel of the layer and ``rank`` outputs, B is 1 x 1.
    """
    rank = settings.rank
    layers = {name: layer for found in group_layers(network).values() for name, layer in found.items()}
    shapes: dict[str, tuple[tuple[int, ...], tuple[int, ...]]] = {}
    for name in lora_targets(network, settings.groups):
        outputs, inputs, *kernel = layers[name].weight.shape
        shapes[name] = (rank, inputs, *kernel), (outputs, rank, *(1 for _ in kernel))
    return shapes


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
