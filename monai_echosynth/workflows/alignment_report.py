"""``summary.json`` and the report page of the alignment study."""

from __future__ import annotations

import json
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from monai_echosynth.data.atomic import write_json, write_text
from monai_echosynth.workflows.alignment_frames import SHOWN, draw_alignment_frames
from monai_echosynth.workflows.alignment_scores import REAL
from monai_echosynth.workflows.alignment_study_settings import BASELINES, BEFORE, BOTH, FULL, AlignmentStudySettings
from monai_echosynth.workflows.gap import GAPS
from monai_echosynth.workflows.gap_table import TITLES
from monai_echosynth.workflows.machine import describe_machine, package_versions
from monai_echosynth.workflows.report.cards import duration
from monai_echosynth.workflows.report.difference_plot import Difference, difference_plot
from monai_echosynth.workflows.report.interval import Interval, as_interval, interval_html
from monai_echosynth.workflows.report.markup import Section, figure, number, paragraph, png_uri, table
from monai_echosynth.workflows.report.page import render_page
from monai_echosynth.workflows.report.palette import ARM_COLORS, MUTED

__all__ = ["alignment_summary", "cell_title", "write_alignment_report"]

_GAPS = (
    "Distance of each set from held-out real frames in seven measures, smaller is closer. The classifier is |AUC − 0.5| of a "
    "network that tells real from synthetic frames of other patients."
)
_ANATOMY = (
    "What a segmenter of real frames that no aligner has met sees before and after. Shift: average distance of a structure's "
    "outlines (ASSD), median and 95th percentile over frames. Agreement: Dice against the mask. Identity: mean absolute change "
    "of real frames that took no part in training, all the way; change: that of the synthetic frames, as far as they go. Both "
    "are inside the sector, in gray levels of full scale 1. A structure that is seen before or after alone has no shift."
)
_DICE = (
    "One network, one budget, trained on each set, tested on the same real patients. Brackets: 95 % intervals over patients. "
    "Where a set has several segmenters, which differ in their seed, a frame's score is their mean; of real frames there is one, "
    "which is also the one that says whether the anatomy moved."
)
_FRAMES = (
    "Left to right, two frames a row: mask, synthetic frame, aligned frame, and the real frame that is most like it."
)


def alignment_summary(study: AlignmentStudySettings, out: Path, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Everything that the report says, in numbers, from the records and scores that the stages left in ``out``."""
    records = {path.stem: _read(path) for path in sorted((out / "stages").glob("*.json"))}
    records = {name: record for name, record in records.items() if "seconds" in record}
    cells = {
        cell: {**records[f"aligner_{cell}"]["metrics"], "identity": records[f"identity_{cell}"]["metrics"]}
        for cell in study.networks
    }
    scores = {name: _read(out / "evaluation" / f"{name}.json") for name in ("gaps", "anatomy", "dice", "differences")}
    return {
        "data": {key: settings[key] for key in ("real", "synthetic")},
        "aligners": cells,
        **scores,
        "timing_s": {name: record["seconds"] for name, record in records.items()},
        "peak_memory_mb": max(record["peak_memory_mb"] for record in records.values()),
        "versions": package_versions(),
        "machine": describe_machine(),
        "segmenters": study.segmenters,
        "seed": study.seed,
    }


def write_alignment_report(
    study: AlignmentStudySettings, folders: Mapping[str, Path], out: Path, settings: Mapping[str, Any]
) -> dict[str, Any]:
    """Write ``summary.json``, ``frames.png`` and ``report.html``; returns the summary.

    Args:
        study: what was compared.
        folders: ``real``, ``synthetic`` and the aligned set of each cell by its name.
        out: folder of a study whose stages up to ``evaluate`` are finished.
        settings: ``real`` and ``synthetic``, names of the two sides.
    """
    summary = alignment_summary(study, out, settings)
    write_json(out / "summary.json", summary)
    draw_alignment_frames(folders["real"], folders["synthetic"], folders[FULL], out / "frames.png")
    picture = (
        f'<img src="{png_uri((out / "frames.png").read_bytes())}" alt="{SHOWN} frames before and after alignment">'
    )
    sections = [
        Section("gap", "Gap", paragraph(_GAPS) + _gap_table(summary)),
        Section("anatomy", "Anatomy", paragraph(_ANATOMY) + _anatomy_table(summary)),
        Section(
            "dice", "Segmentation of held-out patients", paragraph(_DICE) + _dice_table(summary) + _plot(study, summary)
        ),
        Section("frames", "Frames", figure(picture, _FRAMES)),
        Section("cost", "Time", table("Stages", ("Stage", "Time"), _times(summary))),
    ]
    kicker = f"monai-echosynth · {settings['synthetic']} to {settings['real']} · seed {study.seed}"
    lead = f'<p class="lead">{escape(_sentence(summary))}</p>'
    page = render_page("Synthetic frames, aligned", kicker, lead, sections, "Research only, not for diagnosis.")
    write_text(out / "report.html", page)
    return summary


def cell_title(cell: str) -> str:
    """Name of a way to align in tables."""
    if cell in BASELINES:
        return {"histogram": "Histogram matching", "fourier": "Fourier amplitudes (FDA)", "cycle": "CycleGAN"}[cell]
    fixed = {REAL: "Real frames", BEFORE: "Before", FULL: "Aligned", BOTH: "Before and aligned together"}
    fixed |= {"mmd": "MMD instead of attention", "coral": "CORAL instead of attention"}
    fixed |= {"mmd_only": "MMD, no critic", "coral_only": "CORAL, no critic"}
    return fixed.get(cell) or f"Without {cell.removeprefix('no_').replace('_', ' ')}"


def _sentence(summary: Mapping[str, Any]) -> str:
    gaps = summary["gaps"]
    values = [(gaps[BEFORE]["gaps"][name]["value"], gaps[FULL]["gaps"][name]["value"]) for name in GAPS]
    closer = sum(before is not None and after is not None and after < before for before, after in values)
    dice = [number(summary["dice"][cell]["mean"]["mean"]) for cell in (BEFORE, FULL, REAL)]
    return (
        f"Closer to real frames in {closer} of {len(GAPS)} measures. Dice on held-out patients of a segmenter that saw synthetic "
        f"frames alone: {dice[0]} before, {dice[1]} after; of real frames {dice[2]}."
    )


def _gap_table(summary: Mapping[str, Any]) -> str:
    rows = []
    for cell, found in summary["gaps"].items():
        rows.append((cell_title(cell), *(number(found["gaps"][name]["value"]) for name in GAPS)))
    return table("Gap to held-out real frames", ("Set", *(TITLES[name] for name in GAPS)), rows)


def _anatomy_table(summary: Mapping[str, Any]) -> str:
    anatomy = summary["anatomy"]
    structures = list(anatomy[FULL]["structures"])
    header = ("Set", *(f"Shift of {name}, mm" for name in structures), "Agreement", "Change", "Identity")
    rows = []
    for cell, found in anatomy.items():
        shifts = (found["structures"][name]["shift_mm"] for name in structures)
        same = summary["aligners"].get(cell, {}).get("identity", {}).get("mean")
        agreement = f"{number(found['dice_before'])} → {number(found['dice_after'])}"
        cells = [f"{number(shift['median'], 2)}; {number(shift['p95'], 2)}" for shift in shifts]
        rows.append((cell_title(cell), *cells, agreement, number(found["change"]["mean"]), number(same)))
    return table("Anatomy", header, rows)


def _dice_table(summary: Mapping[str, Any]) -> str:
    structures = list(summary["dice"][REAL])
    rows = [
        (cell_title(cell), *(interval_html(row[name]) for name in structures)) for cell, row in summary["dice"].items()
    ]
    return table("Dice", ("Training set", *structures), rows, html_cells=True)


def _plot(study: AlignmentStudySettings, summary: Mapping[str, Any]) -> str:
    rows = []
    for cell in study.arms[1:]:
        found = as_interval(summary["differences"][f"{cell}_minus_{BEFORE}"]["mean"])
        color = ARM_COLORS["mixed"] if cell == FULL else MUTED if cell in BASELINES else ARM_COLORS["real"]
        rows.append(Difference(cell_title(cell), found or Interval(*(float("nan"),) * 3), color))
    caption = "Paired difference of the mean Dice with 95 % bootstrap intervals over patients."
    return difference_plot(rows, "Difference in Dice to the frames as they were", caption)


def _times(summary: Mapping[str, Any]) -> list[tuple[str, str]]:
    rows = [(name, duration(seconds)) for name, seconds in summary["timing_s"].items()]
    return [*rows, ("together", duration(sum(summary["timing_s"].values())))]


def _read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content
