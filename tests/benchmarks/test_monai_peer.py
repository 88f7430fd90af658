"""MONAI's own inferer and this project's sampling make the same images of the same weights, noise, masks and number of calls."""

from __future__ import annotations

import pytest
import torch

from benchmarks.monai_peer import Peers, make_peers
from monai_echosynth.inferers.runtime import Runtime
from monai_echosynth.networks.blocks import winograd_convolution
from tests.helpers.tiny_generator import TINY_UNET, tiny_autoencoder, tiny_seg


@pytest.fixture(scope="module")
def peers() -> Peers:
    return make_peers(TINY_UNET, tiny_autoencoder(), tiny_seg(2))


def test_parameters_have_the_same_names(peers: Peers) -> None:
    theirs, ours = peers.monai.state_dict(), peers.own.state_dict()
    assert {name: value.shape for name, value in theirs.items()} == {name: value.shape for name, value in ours.items()}


@pytest.mark.parametrize(("scheduler", "calls"), [("ddim", 2), ("ddim", 10), ("ddpm", 6)])
@pytest.mark.parametrize("name", ["plain", "channels_last+packed+batched", "channels_last+winograd"])
def test_images_agree(peers: Peers, scheduler: str, calls: int, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(winograd_convolution, "_LEAST_CHANNELS", 1)
    monkeypatch.setattr(winograd_convolution, "_LEAST_PIXELS", 1)
    theirs = peers.by_monai(scheduler, calls, seed=3)
    ours = peers.by_us(scheduler, calls, seed=3, runtime=Runtime.named(name))()
    assert theirs.std() > 0.02 and not torch.equal(theirs[0], theirs[1])
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-4)


def test_the_mask_matters_to_both(peers: Peers) -> None:
    turned = Peers(peers.monai, peers.own, peers.decoder, peers.seg.flip(-1))
    for make in (lambda p: p.by_monai("ddim", 4), lambda p: p.by_us("ddim", 4)()):
        assert (make(peers) - make(turned)).abs().max() > 1e-3
