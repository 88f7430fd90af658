"""Plain ways to narrow the gap, in the form of an aligned set: what the aligner is compared with.

Histogram matching and Fourier domain adaptation need an exemplar a frame and no training; the cycle-consistent adversarial
network is trained here, on the same frames.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from monai_echosynth.alignment.cycle_training import CycleTraining
from monai_echosynth.alignment.exemplar_choice import draw_exemplars
from monai_echosynth.alignment.fourier_swap import swap_amplitude
from monai_echosynth.alignment.histogram_matching import match_histogram
from monai_echosynth.data.aligned_items import aligned_items, source_digest
from monai_echosynth.data.datalist import load_datalist, read_dataset_json
from monai_echosynth.data.folder_labels import folder_labels
from monai_echosynth.data.synthetic_set import SyntheticSet
from monai_echosynth.diffusion.seeding import derive_seed
from monai_echosynth.workflows.report.frame_io import Frame, read_frame

__all__ = ["Baseline", "align_by_baseline"]

BATCH = 4

Translate = Callable[[Tensor, Tensor, int], Tensor]


class Baseline(StrEnum):
    """Baselines."""

    HISTOGRAM = "histogram"
    """Gray levels inside the sector get the distribution of a real exemplar."""
    FOURIER = "fourier"
    """Low frequencies get the amplitudes of a real exemplar."""
    CYCLE = "cycle"
    """A generator trained against a discriminator of real patches, with a generator back."""


def align_by_baseline(
    kind: Baseline | str,
    real: str | Path,
    synthetic: str | Path,
    out: str | Path,
    steps: int = 600,
    seed: int = 0,
    progress: bool = True,
) -> dict[str, Any]:
    """Write the ``training`` frames of ``synthetic``, changed by a baseline; complete the set where some are there.

    Args:
        kind: the baseline.
        real: prepared folder, whose ``training`` frames are the exemplars.
        synthetic: prepared folder or synthetic set of the same size.
        out: folder to write.
        steps: training steps of the adversarial one.
        seed: of exemplars, order and weights.
        progress: show bars.

    Returns:
        ``count``.

    Raises:
        EchoSynthError: a folder is not prepared, or ``out`` holds another set.
    """
    items = aligned_items(synthetic)
    size = int(read_dataset_json(synthetic)["spatial_size"][0])
    settings = {"seed": seed, "baseline": str(Baseline(kind)), "source_sha256": source_digest(synthetic)}
    settings |= {"steps": steps} if Baseline(kind) is Baseline.CYCLE else {}
    target = SyntheticSet(out, items, settings, size, table=folder_labels(synthetic).semantic)
    target.begin()
    pending = target.pending()
    if pending:
        exemplars = [_tensors(read_frame(item)) for item in load_datalist(real, "training")]
        translate = _translate(Baseline(kind), exemplars, items, steps, seed, progress)
        for item in tqdm(pending, desc=str(kind), unit="image", disable=not progress):
            frame = read_frame(item)
            image = translate(*_tensors(frame), int(item["index"]))
            target.write(item, image[0].numpy(), frame.label, frame.spacing)
    target.finish()
    return {"count": len(items)}


def _translate(
    kind: Baseline,
    exemplars: list[tuple[Tensor, Tensor]],
    items: list[dict[str, Any]],
    steps: int,
    seed: int,
    progress: bool,
) -> Translate:
    def exemplar(index: int) -> tuple[Tensor, Tensor]:
        return exemplars[int(draw_exemplars([derive_seed(seed, index)], len(exemplars), 1)[0, 0])]

    if kind is Baseline.HISTOGRAM:
        return lambda image, sector, index: match_histogram(image, sector, *exemplar(index))
    if kind is Baseline.FOURIER:
        return lambda image, sector, index: swap_amplitude(image, sector, exemplar(index)[0])
    network = _train_cycle(exemplars, items, steps, seed, progress).to_real.eval()

    @torch.inference_mode()
    def generated(image: Tensor, sector: Tensor, index: int) -> Tensor:
        return network(image[None], sector[None])[0]

    return generated


def _train_cycle(
    exemplars: list[tuple[Tensor, Tensor]], items: list[dict[str, Any]], steps: int, seed: int, progress: bool
) -> CycleTraining:
    rng = np.random.default_rng(derive_seed(seed, "cycle"))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        training = CycleTraining()
    for _ in (bar := tqdm(range(steps), desc="cycle", disable=not progress)):
        sources = [_tensors(read_frame(items[i])) for i in rng.integers(len(items), size=BATCH)]
        reals = [exemplars[i] for i in rng.integers(len(exemplars), size=BATCH)]
        batch = (torch.stack(tensors) for pairs in (sources, reals) for tensors in zip(*pairs, strict=True))
        bar.set_postfix({name: f"{value:.3f}" for name, value in training.step(*batch).items()}, refresh=False)
    return training


def _tensors(frame: Frame) -> tuple[Tensor, Tensor]:
    """Image (1, X, Y) and sector (1, X, Y), 1 inside."""
    return torch.from_numpy(frame.image)[None], torch.from_numpy((frame.label > 0).astype(np.float32))[None]
