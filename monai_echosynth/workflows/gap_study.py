"""``echosynth gap``: the gap of a synthetic set with what it needs around it, written as ``gap.json`` and ``gap.html``.

A gap has a floor: two sets of real patients differ as well. It is measured between two sections of the real folder and shown
beside the gap. Without a segmenter one is trained on the real training frames, in ``segmenter/`` of the output folder, and kept.
"""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from monai_echosynth.data.atomic import write_json, write_text
from monai_echosynth.data.datalist import load_datalist, read_dataset_json
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.metrics.domain_gap import FEWEST_FRAMES
from monai_echosynth.workflows.checksums import CHECKSUMS
from monai_echosynth.workflows.gap import FRAMES, common_size, compare, measure_domain
from monai_echosynth.workflows.gap_report import gap_page
from monai_echosynth.workflows.segmentation import (
    SEGMENTATION_PRESETS,
    SegmentationPreset,
    SegmentationSettings,
    train_segmenter,
)

__all__ = ["gap_segmenter", "run_gap"]


def run_gap(
    real: str | Path,
    synthetic: str | Path,
    out: str | Path,
    *,
    section: str = "test",
    floor_section: str | None = "training",
    segmenter: str | Path | None = None,
    budget: SegmentationSettings | None = None,
    frames: int = FRAMES,
    seed: int = 0,
    progress: bool = True,
) -> dict[str, Any]:
    """Measures the gap and its floor, and writes ``gap.json`` and ``gap.html``.

    Args:
        real: prepared folder of real frames.
        synthetic: synthetic set, or another prepared folder; its ``training`` section is compared.
        out: folder to write.
        section: section of the real folder that both the synthetic frames and the floor are compared with.
        floor_section: section of the real folder whose gap is the floor; None for no floor.
        segmenter: trained ``echo_segmentation`` bundle; see :func:`gap_segmenter` when omitted.
        budget: of the segmenter that is trained then.
        frames: frames of a set that are measured at most.
        seed: seed of all draws and trainings.
        progress: show a progress bar.

    Returns:
        Content of ``gap.json``: that of :func:`monai_echosynth.workflows.gap.compare`, ``floor`` with the same keys or None, and
        ``seconds`` by part.

    Raises:
        EchoSynthError: a folder is not usable; nothing is trained or written then.
    """
    if frames < FEWEST_FRAMES:
        raise EchoSynthError(f"at least {FEWEST_FRAMES} frames a set are measured, got {frames}: raise the limit")
    size, floor_note = _check(real, synthetic, section, floor_section), ""
    if floor_section is not None and len(read_dataset_json(real).get(floor_section) or ()) < FEWEST_FRAMES:
        floor_note = f"the floor is left out: section '{floor_section}' of {real} has too few frames"
    clock = _Clock()
    bundle = gap_segmenter(real, Path(out) / "segmenter", budget, seed, progress) if segmenter is None else segmenter
    clock.lap("segmenter")
    options: dict[str, Any] = {"segmenter": bundle, "size": size, "frames": frames, "seed": seed}
    target = measure_domain(real, section, **options)
    clock.lap("real")
    measured = measure_domain(synthetic, "training", **options)
    clock.lap("synthetic")
    found = compare(target, measured, seed)
    clock.lap("comparison")
    found["floor"] = None
    if floor_section is not None and not floor_note:
        found["floor"] = compare(target, measure_domain(real, floor_section, **options), seed)
        clock.lap("floor")
    found["notes"] += [floor_note] if floor_note else []
    found["seconds"] = clock.laps
    write_json(Path(out) / "gap.json", found)
    write_text(Path(out) / "gap.html", gap_page(found))
    return found


def gap_segmenter(
    real: str | Path, folder: Path, budget: SegmentationSettings | None = None, seed: int = 0, progress: bool = True
) -> Path:
    """A segmenter of the real training frames: the one in the folder, or a new one.

    Args:
        real: prepared folder.
        folder: where it is, or is trained; an interrupted training goes on.
        budget: of the training; the preset ``quick`` when omitted.
        seed: of the training.
        progress: show a progress bar.

    Returns:
        The bundle.

    Raises:
        EchoSynthError: the folder holds a segmenter of other frames, or a training section is not usable.
    """
    settings = replace(budget or SEGMENTATION_PRESETS[SegmentationPreset.QUICK], seed=seed)
    if (folder / "models" / CHECKSUMS).is_file():
        source = json.loads((folder / "training.json").read_text(encoding="utf-8")).get("dataset_dir")
        if source != str(Path(real).resolve()):
            raise EchoSynthError(
                f"the segmenter must be one of {real}, got one of {source} in {folder}: choose another output folder"
            )
        return folder
    train_segmenter(folder, real, settings, progress=progress)
    return folder


def _check(real: str | Path, synthetic: str | Path, section: str, floor_section: str | None) -> int:
    """Edge of the common grid, after the cheap checks."""
    if floor_section == section:
        raise EchoSynthError(f"the floor needs another section than '{section}', got the same one: choose another")
    size = common_size(real, synthetic)
    for folder, name in ((real, section), (synthetic, "training")):
        found = len(load_datalist(folder, name))
        if found < FEWEST_FRAMES:
            raise EchoSynthError(
                f"at least {FEWEST_FRAMES} frames a set are needed, got {found} in section '{name}' of {folder}: add frames"
            )
    return size


class _Clock:
    """Seconds since the last call, by name."""

    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, name: str) -> None:
        """Ends the part `name`."""
        now = time.perf_counter()
        self.laps[name], self._last = round(now - self._last, 1), now
