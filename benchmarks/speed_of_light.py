"""A network call, the modulation of a mask and a decoding beside what the machine needs at least for their counted operations.

The networks are those of the paper's size (EDM-L64 at 256 px) and of the CPU preset, with random weights. The floor is the larger
of counted operations over the measured rate of a large matrix product and of bytes that must be moved over that of a large copy.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.counting import Count, Rates, count, measured_rates
from benchmarks.runner import Case, Options, measure
from benchmarks.subjects import autoencoder, device, segs, unet
from monai_echosynth.data.area_pool import area_pool
from monai_echosynth.diffusion.edm import EDM
from monai_echosynth.diffusion.solvers import SolverName, make_solver
from monai_echosynth.inferers.latent_image import LatentImage
from monai_echosynth.inferers.runtime import Runtime
from monai_echosynth.networks.blocks.spade_cache import SpadeCache

__all__ = ["benchmark_speed_of_light"]

CALLS = (1, 2, 4, 100)
"""Network calls an image that seconds per image are stated for."""

_RUNTIMES = (
    *("plain", "fused", "channels_last+packed", "channels_last+winograd", "channels_last+packed+bfloat16"),
    *("channels_last+compiled", "cuda_graph", "channels_last+bfloat16+cuda_graph"),
)


@dataclass(frozen=True, eq=False)
class _Part:
    """A piece of the work for one image."""

    name: str
    run: Callable[[], object]
    given: object


def benchmark_speed_of_light(options: Options) -> dict[str, Any]:
    """Seconds of each part by runtime, its floor, and the share of the floor in the time."""
    shapes = [("quick", "quick", 32)] if options.quick else [("cpu", "cpu", 128), ("l64", "l64", 256)]
    names = _RUNTIMES[:4] if options.quick else _RUNTIMES
    rates = measured_rates(device(), *((128, 1) if options.quick else (2048, 256)))
    rows: list[dict[str, Any]] = []
    checks: dict[str, Any] = {
        "GFLOP/s of a float32 product": rates.flop / 1e9,
        "in bfloat16": rates.low / 1e9,
        "GB/s of a copy": rates.copy / 1e9,
        "threads": torch.get_num_threads(),
    }
    for size, decoder, side in shapes:
        found, facts = _shape(size, decoder, side, names, rates, options.rounds)
        rows += found
        checks |= facts
    return {"title": "Speed of light (batch 1)", "rows": rows, "checks": checks}


@torch.inference_mode()
def _shape(
    size: str, decoder: str, side: int, names: tuple[str, ...], rates: Rates, rounds: int
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    network, trained, seg = unet(size), autoencoder(decoder), segs(1, side)
    image = LatentImage(trained, EDM(), make_solver(SolverName.EULER), EDM().sigmas(4).tolist())
    forms = [Runtime.named(name) for name in names]
    forms = [form for form in forms if not form.missing(device())]
    parts = [_parts(*form.prepare(network, image), seg) for form in forms]
    rows: list[dict[str, Any]] = []
    plain: list[tuple[float, Count]] = []
    for pieces in zip(*parts, strict=True):
        named = zip(pieces, forms, strict=True)
        found = measure(
            [Case(f"{size} {side} px, {piece.name}, {form.name}", piece.run) for piece, form in named], rounds
        )
        counts = {
            piece.name: count(piece.run, piece.given) for piece in reversed(pieces[:2])
        }  # the plain form's where it has one
        for row, piece in zip(found, pieces, strict=True):
            rows.append(row | _light(row["seconds_per_item"], counts[piece.name], rates))
        plain.append((found[0]["seconds_per_item"], counts[pieces[0].name]))
    return rows, _per_image(size, plain, rates)


def _parts(network: nn.Module, image: LatentImage, seg: Tensor) -> list[_Part]:
    """Modulation (where the form has no pass of its own for it, a first call with it), a further call, and decoding."""
    grid = image.autoencoder.latent_sector(seg[:, :1]).shape[2:]
    small = area_pool(seg, grid)
    noise = torch.randn(1, 1, *grid, generator=torch.Generator().manual_seed(0)).to(seg.device)
    level, warm = torch.zeros(1, device=seg.device), SpadeCache(small)
    network(noise, timesteps=level, seg=warm)
    weights = [parameter for name, parameter in network.named_parameters() if "mlp_" not in name]
    modulating = [parameter for name, parameter in network.named_parameters() if "mlp_" in name]
    decoding = list(image.autoencoder.decoder.parameters()) if hasattr(image.autoencoder, "decoder") else []
    if hasattr(network, "modulation"):
        side = [length // network.patch for length in grid]  # type: ignore[operator]
        first = _Part("modulation", lambda: network.modulation(small, side), [modulating, small])  # type: ignore[operator]
    else:
        needed = [*modulating, *weights, noise, small]
        first = _Part("first call", lambda: network(noise, timesteps=level, seg=SpadeCache(small)), needed)
    return [
        first,
        _Part("network call", lambda: network(noise, timesteps=level, seg=warm), [weights, noise, _maps(warm)]),
        _Part("decoding", lambda: image.autoencoder.decode_stage_2_outputs(noise), [decoding, noise]),
    ]


def _maps(cache: SpadeCache) -> list[tuple[Tensor, ...]]:
    return list(cache._maps.values())


def _light(seconds: float, needs: Count, rates: Rates) -> dict[str, Any]:
    floor = needs.floor(rates)
    return {
        "GFLOP": needs.flop / 1e9,
        "MB at least": needs.least / 1e6,
        "MB kernel by kernel": needs.moved / 1e6,
        "GFLOP/s": needs.flop / 1e9 / seconds,
        "floor ms": 1e3 * floor,
        "share of the floor": floor / seconds,
    }


def _per_image(size: str, plain: list[tuple[float, Count]], rates: Rates) -> dict[str, Any]:
    """Seconds and floor of an image by number of calls, for the plain networks and a mask of its own."""
    (first, first_count), (call, call_count), (decoding, decoding_count) = plain
    told: dict[str, Any] = {}
    for calls in CALLS:
        seconds = first + (calls - 1) * call + decoding
        floor = first_count.floor(rates) + (calls - 1) * call_count.floor(rates) + decoding_count.floor(rates)
        told[f"{size}, {calls} calls, s an image (floor)"] = f"{seconds:.3g} ({floor:.3g})"
    return told
