"""Attention by torch's fused kernel and by a product, a softmax and a product, in a network call."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch

from benchmarks.runner import Case, Options, measure
from benchmarks.subjects import device, segs, unet
from monai_echosynth.networks.blocks.spade_cache import SpadeCache

__all__ = ["benchmark_attention"]


@torch.inference_mode()
def benchmark_attention(options: Options) -> dict[str, Any]:
    """Seconds per network call, modulation cached."""
    rows: list[dict[str, Any]] = []
    checks: dict[str, Any] = {}
    for size, side in [("quick", 16)] if options.quick else [("cpu", 64), ("l64", 64)]:
        noise = torch.randn(1, 1, side, side, generator=torch.Generator().manual_seed(0)).to(device())
        seg, level = segs(1, side), torch.zeros(1, device=device())
        cases, outputs = [], []
        for name, fused in (("product, softmax, product", False), ("fused", True)):
            network, cache = unet(size), SpadeCache(seg)
            for module in network.modules():
                if hasattr(module, "use_flash_attention"):
                    module.use_flash_attention = fused
            cases.append(Case(f"{size}, {name}", partial(network, noise, timesteps=level, seg=cache)))
            outputs.append(network(noise, timesteps=level, seg=cache))
        rows += measure(cases, options.rounds)
        checks[f"{size} largest difference"] = float((outputs[0] - outputs[1]).abs().max())
    return {"title": "Attention (batch 1, seconds per network call)", "rows": rows, "checks": checks}
