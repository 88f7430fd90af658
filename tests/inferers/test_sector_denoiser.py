"""Guidance by a companion: its formula, its cost, and what it leaves alone."""

from __future__ import annotations

import pytest
import torch

from monai_echosynth.diffusion.denoiser import Denoiser
from monai_echosynth.diffusion.edm import EDM
from monai_echosynth.diffusion.grid_table import GridTable
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.inferers.latent_sampling import LatentSamplingInferer
from monai_echosynth.inferers.sector_denoiser import SectorDenoiser
from monai_echosynth.networks.blocks.spade_cache import SpadeCache
from tests.helpers.tiny_generator import tiny_autoencoder, tiny_seg, tiny_unet

MAIN, OTHER = tiny_unet(0), tiny_unet(1)


def _pieces() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    seg = torch.nn.functional.avg_pool2d(tiny_seg(2), 2)
    x = torch.randn(2, 1, 16, 16, generator=torch.Generator().manual_seed(0))
    return seg, x, (seg[:, :1] < 0.5).float()


@torch.no_grad()
def test_guidance_moves_away_from_the_companion() -> None:
    seg, x, sector = _pieces()
    bounds = torch.tensor(-0.4), torch.tensor(1.0)
    own, weak = (Denoiser(net, EDM(), seg=seg)(x, 0.7) for net in (MAIN, OTHER))
    for weight, calls in ((1.0, 1), (1.5, 2), (3.0, 2)):
        guided = SectorDenoiser(MAIN, EDM(), sector, bounds, {"seg": SpadeCache(seg)}, OTHER, weight)
        expected = torch.where(sector > 0, weak + weight * (own - weak), bounds[0])
        torch.testing.assert_close(guided(x, 0.7), expected, rtol=1e-4, atol=1e-5)
        assert guided.nfe == calls


def test_modulation_of_both_networks_is_computed_once() -> None:
    seg, x, sector = _pieces()
    cache = SpadeCache(seg)
    guided = SectorDenoiser(MAIN, EDM(), sector, (torch.tensor(0.0), torch.tensor(1.0)), {"seg": cache}, OTHER, 2.0)
    with torch.no_grad():
        guided(x, 2.0)
        layers = len(cache)
        guided(x, 0.5)
    alone = SpadeCache(seg)
    with torch.no_grad():
        MAIN(x, torch.zeros(2), seg=alone)
    assert layers == len(cache) == 2 * len(alone)


def test_calls_of_the_companion_count() -> None:
    inferer = LatentSamplingInferer(tiny_autoencoder(), EDM(), "unipc", 8, companion=OTHER, guidance=1.5)
    assert inferer.nfe_per_image == 8 and len(inferer.image.sigmas) == 5
    first = inferer(tiny_seg(2), MAIN, index=[0, 1])
    assert inferer.nfe_per_image == 8
    assert torch.equal(first[1:], inferer(tiny_seg(2)[1:], MAIN, index=[1]))
    plain = LatentSamplingInferer(tiny_autoencoder(), EDM(), "unipc", 4)
    assert not torch.equal(plain(tiny_seg(2), MAIN, index=[0, 1]), first)
    off = LatentSamplingInferer(tiny_autoencoder(), EDM(), "unipc", 4, companion=OTHER, guidance=1.0)
    assert torch.equal(off(tiny_seg(1), MAIN, index=[0]), plain(tiny_seg(1), MAIN, index=[0]))


def test_bad_weights() -> None:
    for companion, weight, words in (
        (OTHER, 0.5, "1 or more"),
        (OTHER, float("nan"), "1 or more"),
        (None, 2.0, "needs a comp"),
    ):
        with pytest.raises(EchoSynthError, match=words):
            LatentSamplingInferer(tiny_autoencoder(), EDM(), "unipc", 8, companion=companion, guidance=weight)


def test_grids_of_the_network_are_taken() -> None:
    table = GridTable().with_grid("unipc", 3, (20.0, 3.0, 0.5, 0.0))
    inferer = LatentSamplingInferer(tiny_autoencoder(), EDM(), "unipc", 3, grids=table)
    assert inferer.tuned_sigmas == list(inferer.image.sigmas) == [20.0, 3.0, 0.5, 0.0]
    other = LatentSamplingInferer(tiny_autoencoder(), EDM(), "unipc", 4, grids=table)
    assert other.tuned_sigmas is None and other.image.sigmas[0] == 80.0
    guided = LatentSamplingInferer(tiny_autoencoder(), EDM(), "unipc", 6, grids=table, companion=OTHER, guidance=2.0)
    assert guided.tuned_sigmas == inferer.tuned_sigmas and guided.nfe_per_image == 6
