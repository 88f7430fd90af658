"""Is training held up by its data? Batches alone, optimizer steps alone, and both, with and without the next batch ahead.

Latents come from the cache on disk, frames of the segmenter through the whole augmentation of its bundle.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from monai.data import DataLoader, Dataset
from monai.transforms import Compose
from torch import Tensor

from benchmarks.latent_cache import frame_transforms
from benchmarks.runner import Case, Options, measure
from benchmarks.subjects import write_frames
from benchmarks.training_step import segmenter_step, unet_step
from monai_echosynth.data.datalist import load_datalist
from monai_echosynth.data.latent_cache import LatentDataset
from monai_echosynth.data.prefetch import PrefetchLoader
from monai_echosynth.data.seeded import SeededSampler
from monai_echosynth.workflows.bundle_config import build, bundle_parser
from monai_echosynth.workflows.bundles import bundle_source

__all__ = ["benchmark_data_loading"]


def benchmark_data_loading(options: Options) -> dict[str, Any]:
    """Seconds per batch."""
    size, side, many = ("quick", 32, 2) if options.quick else ("cpu", 128, 6)
    few, large, width = (2, 2, 4) if options.quick else (12, 32, 16)
    with tempfile.TemporaryDirectory() as folder:
        data = write_frames(Path(folder) / "data", large, side)
        frames = _frames(data, side, few, many)
        rows = _rows(f"segmenter, {few} frames", frames, segmenter_step(width, side, few), many, options.rounds)
        latents = _latents(data, Path(folder) / "cache", side, large, many)
        rows += _rows(
            f"U-Net, {large} latents", latents, unet_step(size, side // 2, large), many, min(options.rounds, 3)
        )
    return {"title": f"Loading of data in training (preset {size}, {torch.get_num_threads()} threads)", "rows": rows}


def _rows(name: str, loader: DataLoader, step: Callable[[], object], many: int, rounds: int) -> list[dict[str, Any]]:
    again = {"dataset": loader.dataset, "sampler": loader.sampler, "batch_size": loader.batch_size}

    def pass_over(kind: type[DataLoader], work: Callable[[], object]) -> None:
        for _ in kind(**again):
            work()

    def steps() -> None:
        for _ in range(many):
            step()

    cases = [
        Case(f"{name}: a step", steps, many),
        Case(f"{name}: a batch", partial(pass_over, DataLoader, lambda: None), many),
        Case(f"{name}: both, one after the other", partial(pass_over, DataLoader, step), many),
        Case(f"{name}: both, the next batch ahead", partial(pass_over, PrefetchLoader, step), many),
    ]
    return measure(cases, rounds)


def _frames(data: Path, side: int, batch: int, many: int) -> DataLoader:
    ids = {"dataset_dir": str(data), "spatial_size": side, "batch_size": batch, "epoch_iterations": many}
    loader: DataLoader = build(
        bundle_parser(bundle_source("echo_segmentation"), "train.json", **ids), "train::dataloader"
    )
    return loader


def _latents(data: Path, cache: Path, side: int, batch: int, many: int) -> DataLoader:
    """A loader of cached latents; what they are does not matter, and so they are noise."""

    def encode(image: Tensor, sector: Tensor) -> Tensor:
        return torch.randn(len(image), 1, side // 2, side // 2)

    items, plain = load_datalist(data, "training"), Compose(frame_transforms())
    dataset: Dataset = LatentDataset(items, plain, encode, cache, "noise", 2, variants=1)
    return DataLoader(dataset, sampler=SeededSampler(len(items), many * batch), batch_size=batch)
