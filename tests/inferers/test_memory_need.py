"""The estimate of memory is that of the tensors that live; what does not fit is computed in smaller batches."""

from __future__ import annotations

import logging
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from monai_echosynth.diffusion.edm import EDM
from monai_echosynth.inferers import latent_sampling
from monai_echosynth.inferers.latent_sampling import LatentSamplingInferer
from monai_echosynth.inferers.memory_need import (
    LiveBytes,
    _Pass,
    fitting_batch,
    free_memory,
    pass_memory,
    weight_memory,
)
from monai_echosynth.networks.nets.presets import gamma_autoencoder, spade_unet


@pytest.fixture(scope="module")
def network() -> nn.Module:
    torch.manual_seed(0)
    return spade_unet("quick").eval()


def _inferer(**options: Any) -> LatentSamplingInferer:
    torch.manual_seed(0)
    return LatentSamplingInferer(gamma_autoencoder("quick").eval(), EDM(), "euler", 2, **options)


def _segs(count: int) -> Tensor:
    seg = torch.zeros(count, 5, 32, 32)
    seg[:, 0, :, :4], seg[:, 4, :, 4:16], seg[:, 1, :, 16:] = 1, 1, 1
    return seg


def test_living_bytes_of_a_sum_by_hand() -> None:
    with LiveBytes() as live:
        a = torch.zeros(100)  # 400 bytes
        b = a + 1  # 800
        a = b.view(10, 10)  # the first is gone, a view takes nothing: 400
        assert live.peak == 800
        c = torch.cat([a, a, a])  # 1600
    assert live.peak == 1600
    assert len(c) == 30 and len(b) == 100


@pytest.mark.parametrize("count", [1, 3])
def test_the_estimate_is_what_a_real_pass_takes(network: nn.Module, count: int) -> None:
    image = _inferer().image
    with torch.inference_mode(), LiveBytes() as live:
        _Pass(network, image)(_segs(count))
    assert pass_memory(network, image, _segs(count)) == live.peak > 0


def test_weights_are_counted() -> None:
    assert (
        weight_memory(nn.Linear(3, 2), nn.BatchNorm1d(4)) == 4 * 8 + 4 * 16 + 8
    )  # the counter of batches is an integer


@pytest.mark.parametrize(("images", "one", "free", "fits"), [(8, 10, 1000, 8), (8, 10, 50, 4), (8, 10, 5, 1)])
def test_what_fits(images: int, one: int, free: int, fits: int) -> None:
    assert fitting_batch(images, one, free) == fits


def test_a_batch_that_is_too_large_is_computed_in_parts(
    network: nn.Module, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    segs = _segs(3)
    roomy = _inferer(exact=False)
    whole = roomy(segs, network, index=range(3))
    assert roomy.memory_need is not None
    assert roomy.memory_need > weight_memory(network, roomy.image.autoencoder)

    monkeypatch.setattr(latent_sampling, "free_memory", lambda device: 1)
    tight, seen = _inferer(exact=False), list[int]()
    hook = network.register_forward_pre_hook(lambda module, args: seen.append(len(args[0])))
    with caplog.at_level(logging.WARNING):
        parts = tight(segs, network, index=range(3))
    hook.remove()
    assert seen == [1] * 6  # the estimate calls no hook
    assert "3 images at once need about" in caplog.text and "going on with 1" in caplog.text
    assert torch.allclose(parts, whole, atol=1e-5)


def test_free_memory_is_the_machines() -> None:
    assert free_memory(torch.device("cpu")) > 2**20
