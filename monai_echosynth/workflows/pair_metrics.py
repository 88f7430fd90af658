"""Perceptual distance, LPIPS, SSIM and MS-SSIM of pairs of frames, means with intervals over patients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np

from monai_echosynth.data.guided_set import read_picture
from monai_echosynth.data.label_table import LabelTable
from monai_echosynth.data.resample import resample_image
from monai_echosynth.metrics.domain_statistics import AnnotatedFrame
from monai_echosynth.metrics.image_quality import ssim
from monai_echosynth.metrics.multiscale_ssim import multiscale_ssim, window_for
from monai_echosynth.metrics.perceptual_distance import perceptual_distance
from monai_echosynth.networks.features.activations import FeatureNetwork
from monai_echosynth.networks.features.lpips import LPIPS
from monai_echosynth.workflows.frame_batches import to_batch
from monai_echosynth.workflows.frame_pairs import Pair
from monai_echosynth.workflows.gap_frames import patient_of, read_on_grid, shows
from monai_echosynth.workflows.mean_interval import mean_with_interval
from monai_echosynth.workflows.report.frame_io import read_frame

__all__ = ["PAIR_METRICS", "pair_metrics"]

PAIR_METRICS: Final = ("perceptual", "lpips", "ssim", "ms_ssim")

_BATCH = 8


def pair_metrics(
    pairs: Sequence[Pair],
    network: FeatureNetwork,
    table: LabelTable,
    size: int,
    seed: int = 0,
    lpips: LPIPS | None = None,
) -> dict[str, Any]:
    """Metrics of pairs.

    Args:
        pairs: entries of datalists; those with a uniform frame are passed over.
        network: the extractor; perceptual distance is left out where it shows no layers.
        table: label table of the frames.
        size: edge of the grid in pixels.
        seed: of the intervals.
        lpips: its network; None for no LPIPS.

    Returns:
        ``pairs`` (their number) and by metric ``value`` and ``ci95``, None where there is none.
    """
    scores: dict[str, list[float]] = {name: [] for name in PAIR_METRICS}
    patients: list[str] = []
    for start in range(0, len(pairs), _BATCH):
        read = [tuple(_read(item, table, size) for item in pair) for pair in pairs[start : start + _BATCH]]
        shown = [(frames, pair) for frames, pair in zip(read, pairs[start:], strict=False) if all(map(shows, frames))]
        if not shown:
            continue
        first, second = (to_batch([f[side] for f, _ in shown], [p[side] for _, p in shown]) for side in (0, 1))
        sector = first.sector * second.sector
        one_levels, other_levels = (network(batch.image).levels for batch in (first, second))
        unknown = [np.nan] * len(shown)
        scores["perceptual"] += (
            perceptual_distance(one_levels, other_levels, sector).tolist() if one_levels else unknown
        )
        scores["lpips"] += lpips(first.image, second.image).tolist() if lpips else unknown
        for one, other, inside in zip(first.image[:, 0], second.image[:, 0], sector[:, 0].bool(), strict=True):
            known = bool(inside.any())
            scores["ssim"].append(ssim(one.numpy(), other.numpy(), inside.numpy()) if known else np.nan)
        scores["ms_ssim"] += (
            multiscale_ssim(first.image, second.image).tolist() if window_for((size, size)) else unknown
        )
        patients += [patient_of(pair[1]) for _, pair in shown]
    return {
        "pairs": len(patients),
        **{name: mean_with_interval(values, patients, seed) for name, values in scores.items()},
    }


def _read(item: Mapping[str, Any], table: LabelTable, size: int) -> AnnotatedFrame:
    """A frame of a pair; one that another frame was made from is read as the generator reads it."""
    frame = read_on_grid(item, table, size)
    if "picture" not in item:
        return frame
    shown = read_picture(item["picture"], read_frame(item).image.shape[0]).astype(np.float32) / 255.0
    image = np.where(frame.sector, resample_image(shown, (size, size)), 0.0).astype(np.float32)
    return replace(frame, image=image)
