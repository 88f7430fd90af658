"""One mask, several network calls: with the modulation computed in every call, and once."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import Tensor

from benchmarks.runner import Case, Options, measure
from benchmarks.subjects import device, segs, unet
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
    return {"title": "Modulation once a mask (batch 1, seconds per network call)", "rows": rows, "checks": checks}


@torch.inference_mode()
def _calls(network: SPADEUNet, noise: Tensor, seg: Tensor, calls: int, cache: bool) -> Tensor:
    mask = SpadeCache(seg) if cache else seg
    outputs = [network(noise, torch.full((1,), 0.1 * k, device=noise.device), seg=mask) for k in range(calls)]
    return torch.cat(outputs)
