"""Scores on real held-out patients: Dice and HD95 of each training set, the ratio to the real arm, mask adherence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from monai_echosynth.workflows.report.dice_plot import dice_plot
from monai_echosynth.workflows.report.interval import as_interval
from monai_echosynth.workflows.report.markup import Section, note, number, paragraph, table
from monai_echosynth.workflows.report.palette import ARM_NAMES, ARMS, STRUCTURE_NAMES, STRUCTURES
from monai_echosynth.workflows.report.study import Study

__all__ = ["scores_section"]


def scores_section(study: Study) -> Section:
    """The main result."""
    arms = {arm: study.part("tstr")[arm] for arm in ARMS if isinstance(study.part("tstr").get(arm), Mapping)}
    if not arms:
        return Section("scores", "Segmentation of real patients", note("No arm was scored, so there is no Dice table."))
    body = paragraph(
        "The same network with the same budget and augmentation is trained on each set and tested on the same real "
        "patients. Brackets are 95 % intervals of a bootstrap over patients."
    )
    body += _table("Dice score (1 is perfect)", arms, STRUCTURES, digits=3)
    body += dice_plot(arms)
    distances = {arm: scores["hd95_mm"] for arm, scores in arms.items() if isinstance(scores.get("hd95_mm"), Mapping)}
    if distances:
        body += _table(
            "95th percentile Hausdorff distance, mm on the original grid (0 is perfect)", distances, STRUCTURES, 2
        )
    else:
        body += note("Surface distances were not measured, so HD95 is left out.")
    return Section("scores", "Segmentation of real patients", body + _comparison(study))


def _table(caption: str, arms: Mapping[str, Mapping[str, Any]], structures: tuple[str, ...], digits: int) -> str:
    rows = []
    for arm, scores in arms.items():
        cells = (as_interval(scores.get(structure)) for structure in structures)
        rows.append((ARM_NAMES[arm], *(cell.html(digits) if cell else "–" for cell in cells)))
    header = ("Training set", *(STRUCTURE_NAMES[name] for name in structures))
    return table(caption, header, rows, html_cells=True)


def _comparison(study: Study) -> str:
    names = ("lv_endo", "myo", "la", "mean")
    rows = []
    for title, key in (
        ("Synthetic / real Dice", "ratio_synthetic_to_real"),
        ("Mask adherence, Dice", "mask_adherence"),
    ):
        part = study.part(key)
        cells = (as_interval(part.get(name)) for name in names)
        if part:
            rows.append((title, *(number(cell.mean) if cell else "–" for cell in cells)))
    if not rows:
        return note("Ratios and mask adherence were not computed.")
    header = ("Measure", *(STRUCTURE_NAMES[name] for name in names))
    return table("Agreement of synthetic with real", header, rows) + paragraph(
        "Mask adherence is the Dice score between the mask that guided a synthetic frame and what a segmenter trained "
        "on real frames sees in it.",
        "small",
    )
