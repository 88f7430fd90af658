"""The runtimes of ``echosynth generate`` in turns: seconds an image and the largest difference from the plain networks."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch

from benchmarks.runner import Case, Options, measure
from benchmarks.subjects import autoencoder, device, segs, unet
from monai_echosynth.diffusion.edm import EDM
from monai_echosynth.inferers.latent_sampling import LatentSamplingInferer
from monai_echosynth.workflows.runtimes import candidates, make_runtime

__all__ = ["benchmark_runtimes"]


def benchmark_runtimes(options: Options) -> dict[str, Any]:
    """Seconds per image with few and with many network calls; what cannot be had here is named in the checks."""
    size, side, images = ("quick", 32, 2) if options.quick else ("cpu", 128, 8)
    names = ["plain", "fused", "fused+batched"] if options.quick else candidates(device())
    network, decoder, seg = unet(size), autoencoder(size), segs(images, side)
    rows: list[dict[str, Any]] = []
    checks: dict[str, Any] = {}
    for calls in (2,) if options.quick else (2, 24):
        plain = LatentSamplingInferer(decoder, EDM(), "dpmpp_2m", calls)
        reference, cases = plain(seg, network, index=range(images)), []
        for name in names:
            inferer = plain.with_runtime(make_runtime(name))
            try:
                drawn = inferer(seg, network, index=range(images))
            except Exception as error:  # compilers and other programs fail in ways of their own
                checks[f"{name} left out"] = str(error).split("\n")[0]
                continue
            facts = {
                "largest difference": float((drawn - reference).abs().max()),
                "same bytes in any batch": inferer.bit_stable(device()),
            }
            run = partial(inferer, seg, network, index=range(images))
            cases.append(Case(f"{calls} calls, {name}", run, images, facts))
        rows += measure(cases, options.rounds)
    title = f"Runtimes (preset {size}, {side} px, batch {images}, {torch.get_num_threads()} threads)"
    return {"title": title, "rows": rows, "checks": checks}
