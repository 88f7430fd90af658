"""The form for sampling computes what the network does, and nothing that does not change from call to call twice."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from monai_echosynth.networks.blocks import SpadeCache
from monai_echosynth.networks.nets.sampling_unet import SamplingUNet, _Modulation
from tests.helpers.tiny_generator import tiny_seg, tiny_unet

SHAPES: list[dict[str, Any]] = [
    {},
    {"patch": 1},
    {"resblock_updown": True},
    {"num_class_embeds": 3},
    {"patch": 4, "input_gate": True},
    {"num_class_embeds": 3, "input_gate": True},
    {"spade_variant": "monai", "spade_norm_affine": True},
    {"channels": (16, 32, 32), "attention_levels": (False, True, True)},
]


@pytest.mark.parametrize("shape", SHAPES, ids=[", ".join(map(str, shape)) or "preset" for shape in SHAPES])
@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize("levels", [(0.3, 0.3), (0.3, -1.2)])
def test_it_computes_what_the_network_does(
    shape: dict[str, Any], channels_last: bool, levels: tuple[float, float]
) -> None:
    network, x, seg = tiny_unet(**shape), torch.randn(2, 1, 16, 16), tiny_seg(2)
    told = {"class_labels": torch.tensor([0, 2])} if "num_class_embeds" in shape else {}
    form = SamplingUNet(network, channels_last=channels_last)
    form.prefetch(torch.tensor([0.3, 0.1]))
    with torch.inference_mode():
        expected = network(x, timesteps=torch.tensor(levels), seg=seg, **told)
        for mask in (seg, SpadeCache(seg)):
            found = form(x, timesteps=torch.tensor(levels), seg=mask, **told)
            torch.testing.assert_close(found, expected, rtol=0, atol=2e-5)
    assert expected.abs().max() > 0.5


@pytest.mark.parametrize("channels_last", [False, True])
def test_a_large_mean_does_not_drown_normalized_modulation(channels_last: bool) -> None:
    network, x, seg = tiny_unet(spade_variant="monai", spade_norm_affine=True), torch.randn(2, 1, 16, 16), tiny_seg(2)
    for name, value in network.named_parameters():
        if "mlp_gamma.conv.bias" in name or "mlp_beta.conv.bias" in name:
            torch.nn.init.constant_(value, 30.0)
    with torch.inference_mode():
        expected = network(x, timesteps=torch.zeros(2), seg=seg)
        found = SamplingUNet(network, channels_last=channels_last)(x, timesteps=torch.zeros(2), seg=seg)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-4)


def test_bfloat16_is_near_and_float32_outside() -> None:
    network, x, seg = tiny_unet(), torch.randn(1, 1, 16, 16), tiny_seg()
    with torch.inference_mode():
        expected = network(x, timesteps=torch.zeros(1), seg=seg)
        found = SamplingUNet(network, torch.bfloat16)(x, timesteps=torch.zeros(1), seg=seg)
    assert found.dtype is torch.float32 and 1e-4 < (found - expected).abs().max() < 0.2


def test_the_network_stays_as_it_was() -> None:
    network = tiny_unet()
    before = {name: (value.clone(), value.stride()) for name, value in network.state_dict().items()}
    SamplingUNet(network, torch.bfloat16, channels_last=True)
    after = network.state_dict()
    assert all(torch.equal(after[name], value) and after[name].stride() == s for name, (value, s) in before.items())


def test_modulation_and_time_embeddings_are_computed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    form, computed = SamplingUNet(tiny_unet()), []
    original = _Modulation.forward

    def counted(self: _Modulation, *args: Any) -> Any:
        computed.append(id(self))
        return original(self, *args)

    monkeypatch.setattr(_Modulation, "forward", counted)
    form.time_all.register_forward_hook(lambda _, inputs, __: embedded.append(len(inputs[0])))
    embedded: list[int] = []
    levels, cache = torch.linspace(1, 0, 5), SpadeCache(tiny_seg())
    with torch.inference_mode():
        form.prefetch(levels)
        for level in levels:
            form(torch.randn(1, 1, 16, 16), timesteps=level[None], seg=cache)
    assert embedded == [5]
    assert len(computed) == len(set(computed)) == len(form.modulations)


def test_adapters_and_other_networks_are_refused() -> None:
    network = tiny_unet()
    inner = network.down_blocks[0].resnets[0].conv1
    inner.conv = torch.nn.Sequential(inner.conv)  # as an adapter around the layer
    with pytest.raises(TypeError, match="a plain convolution is needed, got Sequential"):
        SamplingUNet(network)
    with pytest.raises(TypeError, match="a SPADEUNet without cross-attention is needed, got Identity"):
        SamplingUNet(torch.nn.Identity())  # type: ignore[arg-type]
