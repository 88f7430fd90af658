"""Groups of layers: counted by hand, without overlap, complete, and refused by name where there is nothing."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from monai_echosynth.adaptation import LayerGroup, lora_targets
from monai_echosynth.adaptation.lora_targets import group_layers, unwrap
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.networks.nets.presets import spade_unet
from tests.adaptation.adapters import EVERY_GROUP, tiny_context_unet
from tests.helpers.tiny_generator import tiny_unet


def test_counts_of_a_tiny_network_by_hand() -> None:
    """Eight residual blocks (2 down, 2 middle, 4 up), four attention blocks, two SPADE layers in each block up."""
    counts = {group: len(layers) for group, layers in group_layers(tiny_unet()).items()}
    assert counts == {
        LayerGroup.LINEAR: 2 + 8,
        LayerGroup.SELF_ATTENTION: 4 * 4,
        LayerGroup.CROSS_ATTENTION: 0,
        LayerGroup.CONVOLUTION: 2 + 8 * 2 + 2 + 5,  # first and last, blocks, down- and upsampling, skips
        LayerGroup.SPADE: 4 * 2 * 3,
    }


def test_transformer_blocks_by_hand() -> None:
    layers = group_layers(tiny_context_unet())
    assert len(layers[LayerGroup.CROSS_ATTENTION]) == len(layers[LayerGroup.SELF_ATTENTION]) == 4 * 4
    assert len(layers[LayerGroup.LINEAR]) == 2 + 8 + 4 * 2
    assert all(".attn2." in name for name in layers[LayerGroup.CROSS_ATTENTION])
    assert all(".attn1." in name for name in layers[LayerGroup.SELF_ATTENTION])
    assert all(".mlp_" in name for name in layers[LayerGroup.SPADE])


@pytest.mark.parametrize("size", ["quick", "cpu", "l64", "l128"])
@pytest.mark.parametrize("options", [{}, {"with_conditioning": True, "cross_attention_dim": 8}])
def test_each_layer_has_one_group_and_linear_is_never_empty(size: str, options: dict[str, object]) -> None:
    with torch.device("meta"):
        network = spade_unet(size, **options)
    expected = [name for name, module in network.named_modules() if isinstance(module, (nn.Linear, nn.Conv2d))]
    found = [name for layers in group_layers(network).values() for name in layers]
    assert sorted(found) == sorted(expected)
    assert lora_targets(network, "linear")
    assert sorted(lora_targets(network, [g for g in EVERY_GROUP if group_layers(network)[g]])) == sorted(expected)


def test_names_lead_to_the_layers() -> None:
    network = tiny_unet()
    for name in lora_targets(network, [LayerGroup.SPADE, "linear"]):
        assert isinstance(network.get_submodule(name), (nn.Linear, nn.Conv2d))


def test_repetition_and_order_do_not_matter() -> None:
    network = tiny_unet()
    assert lora_targets(network, ["spade", "linear", "spade"]) == lora_targets(network, ["linear", "spade"])


def test_wrappers_are_looked_through() -> None:
    network = tiny_unet()
    wrapper = nn.Module()
    wrapper.module = network
    assert unwrap(wrapper) is network
    assert lora_targets(wrapper, "linear") == lora_targets(network, "linear")


@pytest.mark.parametrize(
    ("groups", "words"),
    [
        (["mlp"], "got 'mlp': choose among these"),
        ([], "got none: choose among linear, self_attention, cross_attention, convolution, spade"),
        (
            ["linear", "cross_attention"],
            r"'cross_attention' .* SPADEUNet has none.*linear \(10 layers\).*spade \(24 layers\)",
        ),
    ],
)
def test_groups_that_cannot_be_adapted(groups: list[str], words: str) -> None:
    with pytest.raises(EchoSynthError, match=words) as caught:
        lora_targets(tiny_unet(), groups)
    assert "\n" not in str(caught.value)
