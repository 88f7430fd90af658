"""Plain ways to narrow the gap, in the form of an aligned set: what the aligner is compared with.

Histogram matching and Fourier domain adaptation need an exemplar a frame, chosen as an aligner chooses its own, and no training.
The cycle-consistent adversarial network is trained here, on as many frames of both sides as an aligner. Frames go the same part
of the way as with an aligner.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from monai_echosynth.alignment.cycle_training import CycleTraining
from monai_echosynth.alignment.exemplar_choice import ExemplarChoice
from monai_echosynth.alignment.fourier_swap import swap_amplitude
from monai_echosynth.alignment.histogram_matching import match_histogram
from monai_echosynth.alignment.real_bank import RealBank
from monai_echosynth.data.aligned_items import aligned_items, source_digest
from monai_echosynth.data.datalist import load_datalist, read_dataset_json
from monai_echosynth.data.folder_labels import folder_labels
from monai_echosynth.data.label_table import LabelTable
from monai_echosynth.data.synthetic_set import SyntheticSet
from monai_echosynth.diffusion.seeding import derive_seed
from monai_echosynth.inferers.alignment import check_strength, drawn_strength
from monai_echosynth.workflows.baseline_exemplars import exemplar_choice, frame_tensors, shown_item
from monai_echosynth.workflows.report.frame_io import Frame, read_frame

__all__ = ["Baseline", "align_by_baseline"]

BATCH = 4

Translate = Callable[[Frame, int], Tensor]


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
    frames: int = 4800,
    candidates: int = 8,
    strength: Sequence[float] = (0.0, 1.0),
    seed: int = 0,
    progress: bool = True,
) -> dict[str, Any]:
    """Write the ``training`` frames of ``synthetic``, changed by a baseline; complete the set where some are there.

    Args:
        kind: the baseline.
        real: prepared folder, whose ``training`` frames are the exemplars.
        synthetic: prepared folder or synthetic set of the same size.
        out: folder to write.
        frames: synthetic frames that the adversarial one is trained with.
        candidates: real frames that the exemplar is the nearest of in style, as for an aligner.
        strength: lowest and highest part of the way that a frame goes, drawn for each as for an aligner.
        seed: of exemplars, order, weights and strength.
        progress: show bars.

    Returns:
        ``count``.

    Raises:
        EchoSynthError: a folder is not prepared, or ``out`` holds another set.
    """
    chosen, ends = Baseline(kind), check_strength(strength)
    items = aligned_items(synthetic)
    size = int(read_dataset_json(synthetic)["spatial_size"][0])
    settings = {
        "seed": seed,
        "baseline": str(chosen),
        "source_sha256": source_digest(synthetic),
        "strength": list(ends),
    }
    settings |= {"frames": frames} if chosen is Baseline.CYCLE else {"candidates": candidates}
    table = folder_labels(synthetic).semantic
    target = SyntheticSet(out, items, settings, size, table=table)
    target.begin()
    pending = target.pending()
    if pending:
        reals = load_datalist(real, "training")
        if chosen is Baseline.CYCLE:
            exemplars = [frame_tensors(read_frame(item)) for item in reals]
            translate = _generated(_train_cycle(exemplars, items, max(1, frames // BATCH), seed, progress))
        else:
            choice, bank = exemplar_choice(reals, items, table, candidates)
            translate = _by_exemplar(chosen, choice, bank, table, seed)
        for item in tqdm(pending, desc=str(kind), unit="image", disable=not progress):
            frame, index = read_frame(item), int(item["index"])
            image, _ = frame_tensors(frame)
            changed = torch.lerp(image, translate(frame, index), drawn_strength(ends, seed, index))
            target.write(item, changed[0].numpy(), frame.label, frame.spacing)
    target.finish()
    return {"count": len(items)}


def _by_exemplar(kind: Baseline, choice: ExemplarChoice, bank: RealBank, table: LabelTable, seed: int) -> Translate:
    """A baseline that takes an exemplar a frame."""

    def translated(frame: Frame, index: int) -> Tensor:
        shown = shown_item(frame, table)
        row = int(choice([derive_seed(seed, index)], shown["image"][None], shown["seg"][None])[0, 0])
        image, sector = frame_tensors(frame)
        if kind is Baseline.HISTOGRAM:
            return match_histogram(image, sector, bank.image[row], 1.0 - bank.seg[row, :1])
        return swap_amplitude(image, sector, bank.image[row])

    return translated


def _generated(training: CycleTraining) -> Translate:
    network = training.to_real.eval()

    @torch.inference_mode()
    def generated(frame: Frame, _: int) -> Tensor:
        image, sector = frame_tensors(frame)
        return torch.as_tensor(network(image[None], sector[None])[0])

    return generated


def _train_cycle(
    exemplars: list[tuple[Tensor, Tensor]], items: list[dict[str, Any]], steps: int, seed: int, progress: bool
) -> CycleTraining:
    rng = np.random.default_rng(derive_seed(seed, "cycle"))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        training = CycleTraining(steps)
    for _ in (bar := tqdm(range(steps), desc="cycle", disable=not progress)):
        sources = [frame_tensors(read_frame(items[i])) for i in rng.integers(len(items), size=BATCH)]
        reals = [exemplars[i] for i in rng.integers(len(exemplars), size=BATCH)]
        batch = (torch.stack(tensors) for pairs in (sources, reals) for tensors in zip(*pairs, strict=True))
        bar.set_postfix({name: f"{value:.3f}" for name, value in training.step(*batch).items()}, refresh=False)
    return training
