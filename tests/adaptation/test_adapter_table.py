"""Counts of trainable parameters: by hand, against peft, and within the bounds of the default adapter."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from monai_echosynth.adaptation import (
    LayerGroup,
    LoRASettings,
    attach,
    rank_for,
    render_table,
    trainable_parameters,
    trainable_table,
)
from monai_echosynth.networks.nets.presets import spade_unet
from tests.adaptation.adapters import EVERY_GROUP, needs_peft, tiny_context_unet


def test_counts_by_hand() -> None:
    with torch.device("meta"):
        network = nn.Sequential(nn.Linear(7, 5), nn.Conv2d(3, 4, 3, bias=False), nn.Conv2d(4, 6, 1))
    rows = {row.group: row for row in trainable_table(network, (1, 3))}
    linear, convolution = rows[LayerGroup.LINEAR], rows[LayerGroup.CONVOLUTION]
    assert (linear.layers, linear.parameters, linear.trainable) == (1, 40, {1: 12, 3: 36})
    assert (convolution.layers, convolution.parameters) == (2, 108 + 30)
    assert convolution.trainable == {1: 27 + 4 + 4 + 6, 3: 3 * 41}
    assert rows[LayerGroup.SPADE].layers == rows[LayerGroup.SPADE].trainable[3] == 0


@pytest.mark.parametrize("size", ["l64", "l128"])
def test_default_adapter_at_the_size_of_the_paper(size: str) -> None:
    """Between 5e4 and 2e5 parameters, and below 1 MiB on disk with room for the header."""
    with torch.device("meta"):
        network = spade_unet(size)
    default = LoRASettings()
    rows = {row.group: row for row in trainable_table(network, [default.rank])}
    count = sum(rows[group].trainable[default.rank] for group in default.groups)
    assert 5e4 <= count <= 2e5
    assert 4 * count + 2**16 < 2**20
    parameters = sum(parameter.numel() for parameter in network.parameters())
    assert (
        sum(row.parameters for row in rows.values()) < parameters < 1.01 * sum(row.parameters for row in rows.values())
    )


@needs_peft
def test_counts_are_those_of_peft() -> None:
    network = tiny_context_unet()
    for row in trainable_table(network, (1, 3)):
        for rank, count in row.trainable.items():
            attach(network, LoRASettings((row.group,), rank), f"{row.group}_{rank}")
            assert sum(parameter.numel() for parameter in trainable_parameters(network)) == count


def test_ranks_for_equal_size() -> None:
    with torch.device("meta"):
        network = spade_unet("cpu")
    counts = {row.group: row.trainable[1] for row in trainable_table(network, (1,)) if row.layers}
    for group, count in counts.items():
        rank = rank_for(network, group, 40_000)
        assert abs(rank * count - 40_000) <= count / 2
    assert rank_for(network, list(counts), 1) == 1


def test_table_as_text() -> None:
    with torch.device("meta"):
        rows = trainable_table(spade_unet("quick"), (2, 4))
    lines = render_table(rows).splitlines()
    assert len(lines) == 2 + len(EVERY_GROUP)
    assert len({len(line) for line in lines}) == 1
    assert [cell.strip() for cell in lines[0].split("|")[1:-1]] == ["group", "layers", "parameters", "rank 2", "rank 4"]
    linear = [cell.strip() for cell in lines[2].split("|")[1:-1]]
    assert linear[0] == "linear"
    assert int(linear[4].replace(",", "")) == 2 * int(linear[3].replace(",", "")) == rows[0].trainable[4]
