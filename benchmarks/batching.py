"""Batches against lanes: images computed together, or each by itself with one thread and several side by side."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from benchmarks.runner import Case, Options, measure
from benchmarks.subjects import autoencoder, segs, unet
from monai_echosynth.diffusion.edm import EDM
from monai_echosynth.inferers.latent_sampling import LatentSamplingInferer
from monai_echosynth.networks.nets.spade_unet import SPADEUNet

__all__ = ["benchmark_batching"]


def benchmark_batching(options: Options) -> dict[str, Any]:
    """Seconds per image for several batch sizes and for lanes; tells whether lanes give equal bytes for any batch size."""
    size, side, calls, images = ("quick", 32, 2, 4) if options.quick else ("cpu", 128, 15, 8)
    network, decoder, seg = unet(size), autoencoder(size), segs(images, side)
    batched, exact = (LatentSamplingInferer(decoder, EDM(), "heun", calls, exact=flag) for flag in (False, True))
    sizes = [b for b in (1, 2, 4, 8) if b <= images]

    def case(name: str, inferer: LatentSamplingInferer, batch: int) -> Case:
        return Case(f"{name} {batch}", lambda: _sample(inferer, network, seg, batch), images)

    cases = [case("batch", batched, b) for b in sizes] + [case("exact, batch", exact, b) for b in sizes]
    rows = measure(cases, options.rounds)
    same = torch.equal(_sample(exact, network, seg, 1), _sample(exact, network, seg, images))
    title = f"Batch size (preset {size}, {side} px, {calls} network calls, {torch.get_num_threads()} threads)"
    return {"title": title, "rows": rows, "checks": {"exact images independent of the batch size": same}}


def _sample(inferer: LatentSamplingInferer, network: SPADEUNet, seg: Tensor, batch: int) -> Tensor:
    starts = range(0, len(seg), batch)
    return torch.cat(
        [inferer(seg[k : k + batch], network, index=range(k, k + len(seg[k : k + batch]))) for k in starts]
    )
