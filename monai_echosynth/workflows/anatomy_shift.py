"""Whether alignment moved the anatomy: a frozen segmenter's view of every frame before and after.

For each structure the boundary shift is the average distance of the outlines before and after (ASSD, mm) where it is seen in
both, and agreement the Dice against the mask that the frame was made from.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from monai_echosynth.alignment.frozen_segmenter import FrozenSegmenter, load_frozen_segmenter
from monai_echosynth.data.datalist import load_datalist, read_label_table
from monai_echosynth.data.folder_labels import structures
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.metrics.surface import surface_distances
from monai_echosynth.workflows.report.frame_io import Frame, read_frame

__all__ = ["anatomy_shift", "mean_change"]


def anatomy_shift(segmenter: str | Path, before: str | Path, after: str | Path) -> dict[str, Any]:
    """Compare the ``training`` frames of two sets with the same masks.

    Args:
        segmenter: trained ``echo_segmentation`` bundle of real frames.
        before: the set that was aligned.
        after: the aligned set.

    Returns:
        By structure ``shift_mm`` (``median`` and ``p95`` over frames), ``one_sided`` (frames that show it before or after alone),
        and ``dice_before`` and ``dice_after`` (means over frames);
        ``dice_before`` and ``dice_after`` of all structures.

    Raises:
        EchoSynthError: the sets do not have the same frames, or there is no segmenter.
    """
    network, names = load_frozen_segmenter(segmenter), structures(read_label_table(before))
    firsts, seconds = (load_datalist(folder, "training") for folder in (before, after))
    if [item["id"] for item in firsts] != [item["id"] for item in seconds]:
        raise EchoSynthError(f"{after} must hold the frames of {before}, aligned, got other ones: align that set")
    shifts: dict[str, list[float]] = {entry.name: [] for entry in names}
    dices: dict[str, list[tuple[float, float]]] = {entry.name: [] for entry in names}
    one_sided = {entry.name: 0 for entry in names}
    for first, second in zip(firsts, seconds, strict=True):
        frames = read_frame(first), read_frame(second)
        maps = [_segmented(network, frame) for frame in frames]
        for number, entry in enumerate(names, start=1):
            masks = [found == number for found in maps]
            shown = [bool(mask.any()) for mask in masks]
            one_sided[entry.name] += any(shown) and not all(shown)
            if all(shown):
                shifts[entry.name].append(surface_distances(masks[0], masks[1], frames[0].spacing).assd)
            wanted = frames[0].label == entry.id
            dices[entry.name].append((_dice(masks[0], wanted), _dice(masks[1], wanted)))
    found = {name: {**_described(shifts[name], dices[name]), "one_sided": one_sided[name]} for name in shifts}
    means = {key: float(np.nanmean([row[key] for row in found.values()])) for key in ("dice_before", "dice_after")}
    return {"structures": found, **means}


def mean_change(before: str | Path, after: str | Path, section: str = "training") -> dict[str, float]:
    """Mean absolute change of the gray levels inside the sector, of full scale 1: ``mean`` and ``max`` over frames."""
    changes = []
    for first, second in zip(load_datalist(before, section), load_datalist(after, "training"), strict=True):
        one, other = read_frame(first), read_frame(second)
        changes.append(float(np.abs(one.image - other.image)[one.label > 0].mean()))
    return {"mean": float(np.mean(changes)), "max": float(np.max(changes))}


@torch.inference_mode()
def _segmented(network: FrozenSegmenter, frame: Frame) -> NDArray[np.int64]:
    return np.asarray(network(torch.from_numpy(frame.image)[None, None])[0].argmax(dim=0).numpy())


def _dice(mask: NDArray[np.bool_], wanted: NDArray[np.bool_]) -> float:
    total = int(mask.sum() + wanted.sum())
    return 2.0 * int((mask & wanted).sum()) / total if total else float("nan")


def _described(shifts: list[float], dices: list[tuple[float, float]]) -> dict[str, float]:
    median, p95 = np.percentile(shifts, (50, 95)) if shifts else (float("nan"), float("nan"))
    before, after = np.nanmean(np.array(dices), axis=0)
    return {
        "shift_mm": {"median": float(median), "p95": float(p95)},  # type: ignore[dict-item]
        "dice_before": float(before),
        "dice_after": float(after),
    }
