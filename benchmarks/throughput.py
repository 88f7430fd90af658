"""Images a second of every preset by batch size and runtime, their share of what the device can do, and a whole set end to end.

On a GPU: the CPU preset and those of the paper, batches of 1, 8, 64 and 256, 9000 labelled frames of 256 px. On a CPU the same
with the small presets and few images. Weights are random. The share is of counted operations over the measured rate of a matrix
product, in bfloat16 where the runtime computes in it.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmarks.counting import Rates, count, measured_rates
from benchmarks.runner import Case, Options, measure, tabulate, that_run
from benchmarks.subjects import autoencoder, device, segs, unet, write_bundle, write_frames
from monai_echosynth.diffusion.edm import EDM
from monai_echosynth.inferers.latent_sampling import LatentSamplingInferer
from monai_echosynth.inferers.runtime import RuntimePart
from monai_echosynth.workflows.generate import generate
from monai_echosynth.workflows.runtimes import make_runtime

__all__ = ["benchmark_throughput", "image_flop"]

CALLS = 4
"""Network calls an image."""

_GPU = (("cpu", 128), ("l64", 256), ("l128", 256))
_CPU = (("quick", 96), ("cpu", 128))
_GPU_RUNTIMES = (
    *("plain", "channels_last", "channels_last+cuda_graph", "channels_last+bfloat16+cuda_graph"),
    "channels_last+bfloat16+compiled",
)
_CPU_RUNTIMES = (
    "batched",
    "channels_last+packed+batched",
    "channels_last+winograd+batched",
    "channels_last+packed+bfloat16+batched",
)


def benchmark_throughput(options: Options) -> dict[str, Any]:
    """Seconds per image; what cannot be had here is named in the checks."""
    where = device()
    gpu = where.type == "cuda"
    shapes = (("quick", 32),) if options.quick else _GPU if gpu else _CPU
    batches = (1, 2) if options.quick else (1, 8, 64, 256) if gpu else (1, 8)
    names = _GPU_RUNTIMES if gpu else _CPU_RUNTIMES[: 2 if options.quick else None]
    rates = measured_rates(where, *((128, 1) if options.quick else (8192 if gpu else 2048, 256)))
    rows: list[dict[str, Any]] = []
    checks: dict[str, Any] = {"GFLOP/s of a float32 product": rates.flop / 1e9, "in bfloat16": rates.low / 1e9}
    for size, side in shapes:
        found, left_out = _shape(size, side, batches, names, rates, min(options.rounds, 3))
        rows, checks = rows + found, checks | left_out
    size, side = shapes[0] if options.quick else ("l64", 256) if gpu else shapes[-1]
    frames, batch = (2, 2) if options.quick else (9000, 64) if gpu else (64, 8)
    runtime = names[3] if gpu else "channels_last+packed"
    rows += _whole_set(size, side, frames, batch, runtime)
    title = f"Throughput with {CALLS} network calls ({where.type}, {torch.get_num_threads()} threads)"
    return {"title": title, "rows": rows, "checks": checks}


def _shape(
    size: str, side: int, batches: Sequence[int], names: Sequence[str], rates: Rates, rounds: int
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    network, decoder, few = unet(size), autoencoder(size), segs(2, side)
    plain = LatentSamplingInferer(decoder, EDM(), "dpmpp_2m", CALLS, exact=False)
    flop = image_flop(plain.with_runtime(make_runtime("batched")), network, few[:1])
    cases, left_out = list[Case](), dict[str, Any]()
    for name in names:
        runtime = make_runtime(name)
        if reason := runtime.missing(device()):
            left_out[f"{size}, {name}"] = reason
            continue
        rate = rates.low if RuntimePart.BFLOAT16 in runtime.parts else rates.flop
        for batch in batches:
            inferer = plain.with_runtime(runtime)
            run = partial(_draw, inferer, network, few[torch.arange(batch, device=few.device) % 2])
            cases.append(Case(f"{size} {side} px, {runtime.name}, batch {batch}", run, batch, {"rate": rate}))
    cases, reasons = that_run(cases)
    rows = measure(cases, rounds, warm_up=0)
    for row in rows:
        row["images per second"] = 1 / row["seconds_per_item"]
        row["GFLOP an image"] = flop / 1e9
        row["share of the product's rate"] = flop / row["seconds_per_item"] / row.pop("rate")
    return rows, left_out | reasons


def image_flop(inferer: LatentSamplingInferer, network: torch.nn.Module, seg: Tensor) -> float:
    """Operations for an image whose mask was met before, as in all rounds that are timed."""
    _draw(inferer, network, seg)  # modulation and the estimate of memory
    return count(lambda: _draw(inferer, network, seg)).flop


def _draw(inferer: LatentSamplingInferer, network: torch.nn.Module, seg: Tensor) -> Tensor:
    return inferer(seg, network, index=range(len(seg)))


def _whole_set(size: str, side: int, frames: int, batch: int, runtime: str) -> list[dict[str, Any]]:
    """Masks to labelled files with ``generate``, loading of the networks and the choice of the runtime included."""
    with tempfile.TemporaryDirectory() as folder:
        bundle = write_bundle(Path(folder) / "bundle", size, side)
        masks = write_frames(Path(folder) / "masks", min(frames, 64), side)
        options: dict[str, Any] = {"solver": "dpmpp_2m", "nfe": CALLS, "batch_size": batch, "progress": False}
        started = time.perf_counter()
        made = generate(bundle, masks, Path(folder) / "set", frames, runtime=runtime, **options)
        seconds = time.perf_counter() - started
    name = f"{size} {side} px, {frames} frames end to end, {made['runtime']}, batch {batch}"
    facts = {"images per second": frames / seconds, "seconds in all": seconds}
    return tabulate([Case(name, lambda: None, frames, facts)], [[seconds / frames]])
