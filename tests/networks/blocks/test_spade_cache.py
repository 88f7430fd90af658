"""A cached modulation is the plain one, computed once a layer."""

from __future__ import annotations

import pytest
import torch

from monai_echosynth.networks.blocks import SPADE, SpadeCache
from tests.helpers.tiny_generator import tiny_seg, tiny_unet


def test_cache_equals_the_plain_forward_exactly() -> None:
    network, seg = tiny_unet(), tiny_seg(2)
    cache = SpadeCache(seg)
    with torch.inference_mode():
        for step in range(3):
            x, timesteps = torch.randn(2, 1, 16, 16), torch.full((2,), 0.3 * step)
            assert torch.equal(network(x, timesteps=timesteps, seg=cache), network(x, timesteps=timesteps, seg=seg))


def test_each_layer_is_computed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    network, cache, computed = tiny_unet(), SpadeCache(tiny_seg()), []
    original = SPADE.modulation

    def counted(self: SPADE, *args: object) -> object:
        computed.append(id(self))
        return original(self, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(SPADE, "modulation", counted)
    layers = [module for module in network.modules() if isinstance(module, SPADE)]
    with torch.inference_mode():
        for _ in range(4):
            network(torch.randn(1, 1, 16, 16), timesteps=torch.zeros(1), seg=cache)
    assert sorted(computed) == sorted(id(layer) for layer in layers)
    assert len(cache) == len(layers)


def test_caches_do_not_mix() -> None:
    network, (first, second) = tiny_unet(), tiny_seg(2).split(1)
    caches = SpadeCache(first), SpadeCache(second)
    x, timesteps = torch.randn(1, 1, 16, 16), torch.zeros(1)
    with torch.inference_mode():
        outputs = [network(x, timesteps=timesteps, seg=cache) for cache in (*caches, *caches)]
    assert torch.equal(outputs[0], outputs[2])
    assert torch.equal(outputs[1], outputs[3])
    assert not torch.equal(outputs[0], outputs[1])
