"""An adapter starts at the base, learns alone, and can be added into the weights."""

from __future__ import annotations

import pytest
import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from monai_echosynth.adaptation import (
    LayerGroup,
    LoRASettings,
    adapter_names,
    attach,
    base_digest,
    lora_targets,
    merge,
    trainable_parameters,
)
from monai_echosynth.adaptation.adapter_bank import lora_layers
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.networks.blocks import SpadeCache
from monai_echosynth.networks.nets.spade_unet import SPADEUNet
from monai_echosynth.networks.weights import weights_digest
from tests.adaptation.adapters import EVERY_GROUP, PLAIN_GROUPS, needs_peft, output, tiny_context_unet, trained
from tests.helpers.tiny_generator import tiny_seg, tiny_unet

pytestmark = needs_peft


def _loss(network: nn.Module) -> torch.Tensor:
    x = torch.randn(2, 1, 16, 16, generator=torch.Generator().manual_seed(5))
    result: torch.Tensor = network(x, timesteps=torch.zeros(2), seg=tiny_seg(2)).float().square().mean()
    return result


def test_starts_at_the_base_exactly() -> None:
    network = tiny_context_unet()
    plain, cached = output(network), output(network, SpadeCache(tiny_seg(2)))
    assert attach(network, LoRASettings(EVERY_GROUP, 2, 3.0, dropout=0.5)) is network
    assert type(network) is SPADEUNet
    assert sorted(lora_layers(network)) == sorted(lora_targets(network, EVERY_GROUP))
    assert torch.equal(output(network), plain)
    assert torch.equal(output(network, SpadeCache(tiny_seg(2))), cached)


def test_starts_at_the_base_in_bfloat16() -> None:
    network = tiny_unet()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        plain = output(network)
        assert torch.equal(output(attach(network, LoRASettings(PLAIN_GROUPS))), plain)


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
def test_a_step_reaches_the_adapter_alone(precision: torch.dtype) -> None:
    network = tiny_unet()
    digest = weights_digest(network)
    attach(network, LoRASettings(PLAIN_GROUPS, 2)).train()
    optimizer = torch.optim.AdamW(trainable_parameters(network), 1e-2)
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=precision is torch.bfloat16):
        loss = _loss(network)
    loss.backward()
    optimizer.step()
    assert base_digest(network) == digest
    for name, parameter in network.named_parameters():
        assert (parameter.grad is not None) == (".lora_" in name), name
    for layer in lora_layers(network).values():
        weight = layer.lora_B["default"].weight
        assert weight.dtype is torch.float32
        assert weight.abs().sum() > 0
    with torch.inference_mode():
        assert _loss(network.eval()) < loss


def test_learns_inside_ddp(monkeypatch: pytest.MonkeyPatch) -> None:
    network = attach(tiny_unet(), LoRASettings(PLAIN_GROUPS, 2))
    expected = torch.autograd.grad(_loss(network), trainable_parameters(network))
    monkeypatch.setenv("GLOO_SOCKET_IFNAME", "lo")
    dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    try:
        wrapped = DistributedDataParallel(network)
        _loss(wrapped).backward()
        assert adapter_names(wrapped) == ("default",)
        for parameter, gradient in zip(trainable_parameters(wrapped), expected, strict=True):
            torch.testing.assert_close(parameter.grad, gradient)
    finally:
        dist.destroy_process_group()
    with pytest.raises(EchoSynthError, match="attach first and wrap afterwards"):
        attach(wrapped, LoRASettings(), "second")


def test_modulation_in_the_cache_is_adapted() -> None:
    network = tiny_unet()
    base = output(network)
    trained(attach(network, LoRASettings((LayerGroup.SPADE,))), "default")
    assert torch.equal(output(network, SpadeCache(tiny_seg(2))), output(network))
    assert not torch.allclose(output(network), base)


@pytest.mark.parametrize("group", EVERY_GROUP)
def test_every_group_changes_the_output(group: LayerGroup) -> None:
    network = tiny_context_unet()
    base = output(network)
    trained(attach(network, LoRASettings((group,))), "default")
    assert not torch.allclose(output(network), base, atol=1e-4)


def test_merged_equals_unmerged() -> None:
    network = trained(attach(tiny_context_unet(), LoRASettings(EVERY_GROUP, 3, 2.0, dropout=0.5)), "default")
    before, base = output(network), tiny_context_unet()
    merged = merge(network)
    assert merged.state_dict().keys() == base.state_dict().keys()
    assert type(merged) is SPADEUNet
    assert not adapter_names(merged)
    torch.testing.assert_close(output(merged), before, rtol=0, atol=1e-5)
    assert not torch.allclose(output(base), before, atol=1e-2)
    assert torch.equal(output(network), before)
    assert base_digest(network) == weights_digest(base)


def test_scale_multiplies_the_change_of_a_linear_layer() -> None:
    x, changes = torch.randn(4, 6), []
    for alpha in (2.0, 6.0):
        torch.manual_seed(0)
        layer = nn.Sequential(nn.Linear(6, 5)).eval()
        base = layer(x)
        trained(attach(layer, LoRASettings((LayerGroup.LINEAR,), 2, alpha)), "default")
        changes.append(layer(x) - base)
    torch.testing.assert_close(changes[1], 3 * changes[0])


def test_start_is_a_function_of_the_seed_alone() -> None:
    first = attach(tiny_unet(), LoRASettings(PLAIN_GROUPS), seed=3)
    torch.manual_seed(2)
    second = attach(tiny_unet(), LoRASettings((LayerGroup.SPADE,)), seed=3)
    third = attach(tiny_unet(), LoRASettings((LayerGroup.SPADE,)), seed=4)
    for name, layer in lora_layers(second).items():
        own = layer.lora_A["default"].weight
        assert torch.equal(own, lora_layers(first)[name].lora_A["default"].weight)
        assert not torch.equal(own, lora_layers(third)[name].lora_A["default"].weight)
        bound = own[0].numel() ** -0.5
        assert 0.5 * bound < own.abs().max() <= bound


def test_global_generator_is_left_alone() -> None:
    network = tiny_unet()
    torch.manual_seed(1)
    state = torch.get_rng_state()
    attach(network, LoRASettings(PLAIN_GROUPS))
    assert torch.equal(torch.get_rng_state(), state)


def test_dropout_follows_the_mode_of_the_network() -> None:
    network = trained(attach(tiny_unet().eval(), LoRASettings(PLAIN_GROUPS, dropout=0.5)), "default")
    assert torch.equal(output(network), output(network))
    network.train()
    assert not torch.equal(output(network), output(network))


@pytest.mark.parametrize("name", ["", "a.b", "lora A", "train", "keys"])
def test_unusable_names(name: str) -> None:
    network = tiny_unet()
    with pytest.raises(EchoSynthError, match="choose one like"):
        attach(network, LoRASettings(), name)
    assert not lora_layers(network)


def test_taken_name_and_absent_group_leave_the_network_alone() -> None:
    network = attach(tiny_unet(), LoRASettings())
    before = list(network.state_dict())
    with pytest.raises(EchoSynthError, match="'default' is attached already"):
        attach(network, LoRASettings((LayerGroup.SPADE,)))
    with pytest.raises(EchoSynthError, match="'cross_attention'"):
        attach(network, LoRASettings((LayerGroup.CROSS_ATTENTION,)), "second")
    assert list(network.state_dict()) == before
    assert adapter_names(network) == ("default",)
