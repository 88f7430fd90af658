"""Where the time goes inside: the ten operations that take most of a network call and of a decoding, by PyTorch's profiler."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile

from benchmarks.runner import Options
from benchmarks.subjects import autoencoder, device, segs, unet
from monai_echosynth.data.area_pool import area_pool
from monai_echosynth.networks.blocks.spade_cache import SpadeCache
from monai_echosynth.networks.nets.sampling_unet import SamplingUNet

__all__ = ["TOP", "benchmark_operations"]

TOP = 10


@torch.inference_mode()
def benchmark_operations(options: Options) -> dict[str, Any]:
    """Time of each operation itself, without what it calls; ``speedup`` is of no meaning here and 1."""
    shapes = [("quick", 32)] if options.quick else [("cpu", 128), ("l64", 256)]
    rows: list[dict[str, Any]] = []
    for size, side in shapes:
        network, decoder, seg = unet(size), autoencoder(size), segs(1, side)
        grid = decoder.latent_sector(seg[:, :1]).shape[2:]
        small, level = area_pool(seg, grid), torch.zeros(1, device=device())
        noise = torch.randn(1, 1, *grid, generator=torch.Generator().manual_seed(0)).to(device())
        forms = (("plain", network), ("fused", SamplingUNet(network, channels_last=True)))
        for form, net in forms:
            run = partial(net, noise, timesteps=level, seg=SpadeCache(small))
            rows += _top(f"{size} network call, {form}", run, options)
        rows += _top(f"{size} decoding", partial(decoder.decode_stage_2_outputs, noise), options)
    return {"title": f"The {TOP} operations that take most time", "rows": rows}


def _top(name: str, run: Callable[[], object], options: Options) -> list[dict[str, Any]]:
    run()
    cuda = device().type == "cuda"
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if cuda else [])]
    with profile(activities=activities) as found:
        for _ in range(options.rounds):
            run()
    kind = "self_device_time_total" if cuda else "self_cpu_time_total"
    events = sorted(found.key_averages(), key=lambda event: getattr(event, kind), reverse=True)
    total = sum(getattr(event, kind) for event in events)
    return [
        {
            "name": f"{name}: {event.key}",
            "seconds_per_item": (seconds := getattr(event, kind) / 1e6 / options.rounds),
            "quartiles": [seconds, seconds],
            "speedup": 1.0,
            "items": 1,
            "rounds": options.rounds,
            "share": getattr(event, kind) / total,
            "calls": event.count // options.rounds,
        }
        for event in events[:TOP]
    ]
