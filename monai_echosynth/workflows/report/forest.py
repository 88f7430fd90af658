"""Forest plot of paired differences: each test patient is scored by both segmenters, the difference is bootstrapped."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from monai_echosynth.workflows.report.difference_plot import Difference, difference_plot
from monai_echosynth.workflows.report.interval import Interval, as_interval
from monai_echosynth.workflows.report.markup import Section, note, paragraph
from monai_echosynth.workflows.report.palette import ARM_COLORS, STRUCTURE_NAMES
from monai_echosynth.workflows.report.study import Study

__all__ = ["differences_section"]


class Row(NamedTuple):
    """One difference: the arm compared with the real arm, the structure, the interval."""

    arm: str
    structure: str
    difference: Interval


def differences_section(study: Study) -> Section:
    """Paired differences of the summary, or of `evaluation/bootstrap.json` where the summary has none."""
    title = "Paired differences to training on real frames"
    bootstrap = study.json("evaluation/bootstrap.json") or {}
    rows = list(_rows(study.part("paired_difference") or bootstrap.get("paired_difference") or {}))
    if not rows:
        return Section(
            "differences", title, note("No paired differences were computed, so the forest plot is left out.")
        )
    text = paragraph(
        "Right of zero the arm beats real frames, left of zero it falls short; an interval that holds zero leaves no "
        "difference shown at the 5 % level."
    )
    return Section("differences", title, text + _forest(rows))


def _rows(differences: Mapping[str, Any]) -> Iterator[Row]:
    """Reads structure -> difference (of the synthetic arm) or contrast -> structure -> difference."""
    for key, value in differences.items():
        if key in STRUCTURE_NAMES:
            found = as_interval(value)
            if found:
                yield Row("synthetic", key, found)
        elif isinstance(value, Mapping):
            arm = "mixed" if key.startswith("mixed") else "synthetic"
            yield from (row._replace(arm=arm) for row in _rows(value))


def _forest(rows: list[Row]) -> str:
    drawn = [
        Difference(
            f"{'Synthetic' if row.arm == 'synthetic' else 'Mixed'}  ·  {STRUCTURE_NAMES[row.structure]}",
            row.difference,
            ARM_COLORS[row.arm],
        )
        for row in rows
    ]
    return difference_plot(
        drawn,
        "Difference in Dice to the arm trained on real frames",
        "Paired difference of the mean Dice with 95 % bootstrap intervals over patients.",
    )
