"""Modulation in every call or once a mask; once a mask or once for all images of the mask."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import Tensor

from benchmarks.runner import Case, Options, measure
from benchmarks.subjects import autoencoder, device, segs, unet
from monai_echosynth.diffusion.edm import EDM
from monai_echosynth.inferers.latent_sampling import LatentSamplingInferer
from monai_echosynth.inferers.runtime import Runtime
from monai_echosynth.networks.blocks.spade_cache import SpadeCache
from monai_echosynth.networks.nets.spade_unet import SPADEUNet

__all__ = ["benchmark_spade_cache"]


def benchmark_spade_cache(options: Options) -> dict[str, Any]:
    """Time per network call; outputs with and without the cache are compared."""
    shapes = [("quick", 16, 3)] if options.quick else [("l64", 64, 4), ("cpu", 64, 24)]
    rows, checks = [], {}
    for size, side, calls in shapes:
        network = unet(size)
        noise = torch.randn(1, 1, side, side, generator=torch.Generator().manual_seed(0)).to(device())
        seg = segs(1, side)
        plain, cached = (partial(_calls, network, noise, seg, calls, cache) for cache in (False, True))
        cases = [
            Case(f"{size}, {calls} calls, cache {state}", run, calls) for state, run in (("off", plain), ("on", cached))
        ]
        rows += measure(cases, options.rounds)
        checks[f"{size} largest difference"] = float((plain() - cached()).abs().max())
    rows += _many_images(options)
    return {
        "title": "Modulation once a mask (seconds per network call; for several images, per image of two calls)",
        "rows": rows,
        "checks": checks,
    }


def _many_images(options: Options) -> list[dict[str, Any]]:
    """Two network calls an image: images of as many masks, and images of one mask."""
    size, side, images = ("quick", 32, 2) if options.quick else ("cpu", 128, 8)
    network, decoder, seg = unet(size), autoencoder(size), segs(images, side)
    plain = LatentSamplingInferer(decoder, EDM(), "dpmpp_2m", 2)

    def run(masks: Tensor) -> Tensor:
        fresh = plain.with_runtime(Runtime())  # which holds no modulation yet
        return fresh(masks, network, index=range(images))

    one = seg[:1].expand(images, -1, -1, -1)
    cases = [(f"{images} masks", seg), ("one mask", one)]
    return measure(
        [Case(f"{size}, {images} images of {name}", partial(run, masks), images) for name, masks in cases],
        options.rounds,
    )


@torch.inference_mode()
def _calls(network: SPADEUNet, noise: Tensor, seg: Tensor, calls: int, cache: bool) -> Tensor:
    mask = SpadeCache(seg) if cache else seg
    outputs = [network(noise, torch.full((1,), 0.1 * k, device=noise.device), seg=mask) for k in range(calls)]
    return torch.cat(outputs)
