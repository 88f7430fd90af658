"""Settings of an adapter: normalized, checked, and equal after a trip through JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest
import torch
from torch import nn

from monai_echosynth.adaptation import LayerGroup, LoRASettings
from monai_echosynth.adaptation.lora_settings import lora_shapes
from monai_echosynth.errors import EchoSynthError


def test_groups_are_normalized() -> None:
    settings = LoRASettings.from_dict({"groups": ["spade", "linear", "spade"]})
    assert settings == LoRASettings((LayerGroup.LINEAR, LayerGroup.SPADE))


@pytest.mark.parametrize(("alpha", "scale"), [(None, 1.0), (8, 2.0), (1.0, 0.25)])
def test_scale_is_alpha_over_rank(alpha: float | None, scale: float) -> None:
    assert LoRASettings(rank=4, alpha=alpha).scale == scale


def test_round_trip_through_json() -> None:
    settings = LoRASettings((LayerGroup.CONVOLUTION,), 3, 1.5, 0.25)
    assert LoRASettings.from_dict(json.loads(json.dumps(settings.to_dict()))) == settings


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"groups": []}, "at least one layer group"),
        ({"groups": ["none"]}, "got 'none'"),
        ({"rank": 0}, "whole number from 1, got 0"),
        ({"rank": 2.5}, "whole number from 1, got 2.5"),
        ({"alpha": 0}, "positive number, got 0"),
        ({"alpha": float("nan")}, "positive number, got nan"),
        ({"dropout": 1.0}, "below 1, got 1.0"),
        ({"dropout": "0"}, "below 1, got '0'"),
        ({"ranks": 4}, "got 'ranks'"),
    ],
)
def test_wrong_values_are_named(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(EchoSynthError, match=words) as caught:
        LoRASettings.from_dict(wrong)
    assert "\n" not in str(caught.value)


def test_shapes_multiply_to_the_weight() -> None:
    with torch.device("meta"):
        network = nn.Sequential(nn.Linear(7, 5), nn.Conv2d(3, 4, (3, 2)))
    shapes = lora_shapes(network, LoRASettings((LayerGroup.LINEAR, LayerGroup.CONVOLUTION), 2))
    assert shapes == {"0": ((2, 7), (5, 2)), "1": ((2, 3, 3, 2), (4, 2, 1, 1))}
