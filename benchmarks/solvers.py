"""What an image costs with each solver under one budget of network calls."""

from __future__ import annotations

from functools import partial
from typing import Any

from benchmarks.runner import Case, Options, measure
from benchmarks.subjects import autoencoder, segs, unet
from monai_echosynth.diffusion.edm import EDM
from monai_echosynth.diffusion.solvers import SolverName
from monai_echosynth.inferers.latent_sampling import LatentSamplingInferer

__all__ = ["benchmark_solvers"]


def benchmark_solvers(options: Options) -> dict[str, Any]:
    """Seconds per image, decoding included, and the network calls counted."""
    size, side, budget = ("quick", 32, 3) if options.quick else ("cpu", 128, 31)
    network, decoder, seg = unet(size), autoencoder(size), segs(1, side)
    cases, inferers = [], {}
    for name in SolverName:
        inferer = LatentSamplingInferer(decoder, EDM(), name, budget)
        inferers[str(name)] = inferer
        cases.append(Case(str(name), partial(inferer, seg, network, index=[0])))
    rows = measure(cases, options.rounds)
    for row in rows:
        calls = inferers[row["name"]].nfe_per_image
        row |= {"network calls": calls, "ms per call": 1e3 * row["seconds_per_item"] / calls}
    return {"title": f"Solvers with at most {budget} network calls (preset {size}, {side} px)", "rows": rows}
