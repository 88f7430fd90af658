"""Where the time of generating goes, part by part, and images per second of the whole workflow."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F

from benchmarks.runner import Case, Options, measure
from benchmarks.subjects import autoencoder, device, unet, write_bundle, write_frames
from monai_echosynth.data.frame_format import FrameFormat, write_frame
from monai_echosynth.data.masks import load_masks, read_mask
from monai_echosynth.networks.blocks.spade_cache import SpadeCache
from monai_echosynth.transforms.one_hot import LabelToSeg
from monai_echosynth.workflows.generate import generate

__all__ = ["benchmark_generation"]


def benchmark_generation(options: Options) -> dict[str, Any]:
    """Seconds per image of each part (share of their sum), then of ``generate`` with its start-up."""
    size, side, calls, images = ("quick", 32, 3, 2) if options.quick else ("cpu", 128, 31, 24)
    with tempfile.TemporaryDirectory() as folder:
        masks = write_frames(Path(folder) / "masks", images, side)
        rows = _parts(size, side, calls, Path(folder), options.rounds)
        bundle = write_bundle(Path(folder) / "bundle", size, side)
        made = generate(bundle, masks, Path(folder) / "set", nfe=calls, progress=False)
    title = f"Generating (preset {size}, {side} px, {made['nfe']} network calls, {torch.get_num_threads()} threads)"
    checks = {f"images per second of {images} images, start-up included": made["images_per_second"]}
    return {"title": title, "rows": rows, "checks": checks}


@torch.inference_mode()
def _parts(size: str, side: int, calls: int, folder: Path, rounds: int) -> list[dict[str, Any]]:
    network, decoder = unet(size), autoencoder(size)
    item = load_masks(folder / "masks")[0]
    label = read_mask(item, side).label
    seg = LabelToSeg()(label)[None].float().to(device())
    sector = 1 - seg[:, :1]
    grid = decoder.latent_sector(sector).shape[2:]
    small, noise, step = (
        F.adaptive_avg_pool2d(seg, grid),
        torch.randn(1, 1, *grid, device=device()),
        torch.zeros(1, device=device()),
    )
    warm = SpadeCache(small)
    network(noise, step, seg=warm)
    image = (255 * decoder.decode_stage_2_outputs(noise, sector)[0, 0]).byte().cpu().numpy()

    def repeat(mask: Callable[[], SpadeCache]) -> Callable[[], object]:
        return lambda: network(noise, step, seg=mask())

    cases = [
        Case("mask loading", lambda: LabelToSeg()(read_mask(item, side).label)),
        Case("network call with modulation", repeat(lambda: SpadeCache(small))),
        Case("network call, modulation cached", repeat(lambda: warm)),
        Case("decoding", lambda: decoder.decode_stage_2_outputs(noise, sector)),
        Case("writing", lambda: write_frame(folder / "out", "f", FrameFormat.NIFTI, image, label, (1.0, 1.0))),
    ]
    rows = measure(cases, rounds)
    loading, first, later, decoding, writing = (row["seconds_per_item"] for row in rows)
    costs = [loading, max(first - later, 0.0), calls * later, decoding, writing]
    names = [
        "mask loading",
        "modulation (first call minus a later one)",
        f"solver, {calls} calls",
        "decoding",
        "writing",
    ]
    return [
        {**row, "name": name, "seconds_per_item": cost, "quartiles": _scaled(row, cost), "speedup": 1.0}
        | {"share of the sum": cost / sum(costs)}
        for row, name, cost in zip(rows, names, costs, strict=True)
    ]


def _scaled(row: dict[str, Any], cost: float) -> list[float]:
    """Quartiles of the measured call on the scale of the part's cost."""
    return [value * cost / row["seconds_per_item"] for value in row["quartiles"]]
