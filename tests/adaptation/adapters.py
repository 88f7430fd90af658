"""Adapted networks for the tests of this folder."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from monai_echosynth.adaptation import LayerGroup
from monai_echosynth.adaptation.adapter_bank import lora_layers
from monai_echosynth.networks.nets.spade_unet import SPADEUNet
from tests.helpers.tiny_generator import tiny_seg, tiny_unet

__all__ = ["EVERY_GROUP", "PLAIN_GROUPS", "needs_peft", "output", "tiny_context_unet", "trained"]

needs_peft = pytest.mark.skipif(find_spec("peft") is None, reason="LoRA: install the extra `lora`")
EVERY_GROUP = tuple(LayerGroup)
PLAIN_GROUPS = tuple(group for group in LayerGroup if group is not LayerGroup.CROSS_ATTENTION)
"""What a network without a context has."""


def tiny_context_unet(seed: int = 0) -> SPADEUNet:
    """A network with all groups."""
    return tiny_unet(seed, with_conditioning=True, cross_attention_dim=8)


def trained(network: Any, name: str, seed: int = 0) -> Any:
    """Gives the second factor of an adapter values, as training does."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for layer in lora_layers(network, name).values():
            weight = layer.lora_B[name].weight
            weight.copy_(0.1 * torch.randn(weight.shape, generator=generator))
    return network


def output(network: nn.Module, seg: Any = None) -> Tensor:
    """Output for a fixed input."""
    generator = torch.Generator().manual_seed(5)
    x = torch.randn(2, 1, 16, 16, generator=generator)
    context = torch.randn(2, 3, 8, generator=generator)
    options = {"context": context} if getattr(network, "with_conditioning", False) else {}
    with torch.inference_mode():
        result: Tensor = network(
            x, timesteps=torch.tensor([-0.4, 1.1]), seg=tiny_seg(2) if seg is None else seg, **options
        )
    return result
