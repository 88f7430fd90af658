"""How many parameters an adapter trains, by layer group and rank, from shapes alone.

The count is proportional to the rank and adds up over groups, since these do not overlap. Nothing is computed or allocated, so
that a network built under ``torch.device("meta")`` will do.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from torch import nn

from monai_echosynth.adaptation.lora_settings import LoRASettings, lora_shapes
from monai_echosynth.adaptation.lora_targets import LayerGroup, group_layers, parse_groups

__all__ = ["GroupRow", "rank_for", "render_table", "trainable_table"]


@dataclass(frozen=True)
class GroupRow:
    """One layer group of a network.

    Attributes:
        group: the group.
        layers: number of its layers; 0 when the network has none.
        parameters: parameters of these layers, frozen while an adapter is trained.
        trainable: parameters of an adapter by rank.
    """

    group: LayerGroup
    layers: int
    parameters: int
    trainable: dict[int, int]


def trainable_table(network: nn.Module, ranks: Sequence[int] = (1, 2, 4, 8, 16)) -> list[GroupRow]:
    """A row for each layer group.

    Args:
        network: denoising network on any device, ``meta`` included.
        ranks: ranks to count for.
    """
    rows = []
    for group, layers in group_layers(network).items():
        parameters = sum(parameter.numel() for layer in layers.values() for parameter in layer.parameters())
        trainable = {rank: _count(network, (group,), rank) if layers else 0 for rank in ranks}
        rows.append(GroupRow(group, len(layers), parameters, trainable))
    return rows


def rank_for(network: nn.Module, groups: Iterable[LayerGroup | str] | str, parameters: int) -> int:
    """Rank, at least 1, with the number of trainable parameters closest to ``parameters``.

    Raises:
        EchoSynthError: for an unknown group, no group, or a group that has no layer in this network.
    """
    return max(1, round(parameters / _count(network, groups, 1)))


def render_table(rows: Sequence[GroupRow]) -> str:
    """The rows as a Markdown table, aligned for reading as text."""
    ranks = list(rows[0].trainable) if rows else []
    cells = [["group", "layers", "parameters", *(f"rank {rank}" for rank in ranks)]]
    cells += [
        [row.group, str(row.layers), f"{row.parameters:,}", *(f"{n:,}" for n in row.trainable.values())] for row in rows
    ]
    widths = [max(len(line[column]) for line in cells) for column in range(len(cells[0]))]
    lines = [_line(line, widths) for line in cells]
    rule = "|".join(["", ":" + "-" * (widths[0] + 1), *("-" * (width + 1) + ":" for width in widths[1:]), ""])
    return "\n".join([lines[0], rule, *lines[1:]])


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *rest = (
        cell.rjust(width) if column else cell.ljust(width)
        for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )
    return "| " + " | ".join([first, *rest]) + " |"


def _count(network: nn.Module, groups: Iterable[LayerGroup | str] | str, rank: int) -> int:
    shapes = lora_shapes(network, LoRASettings(parse_groups(groups), rank))
    return sum(math.prod(shape) for pair in shapes.values() for shape in pair)
