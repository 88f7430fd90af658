"""Forest plot of paired differences: each test patient is scored by both segmenters, the difference is bootstrapped."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from monai_echosynth.workflows.report.interval import Interval, as_interval
from monai_echosynth.workflows.report.markup import Section, figure, note, number, paragraph
from monai_echosynth.workflows.report.palette import ARM_COLORS, INK, MUTED, STRUCTURE_NAMES
from monai_echosynth.workflows.report.study import Study
from monai_echosynth.workflows.report.svg import inline_svg, new_figure, style_axes

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
    canvas = new_figure(7.6, 0.7 + 0.3 * len(rows))
    axes = canvas.subplots()
    style_axes(axes, grid="x")
    axes.axvline(0.0, color=MUTED, lw=1.2)
    for y, (arm, _, (mean, low, high)) in enumerate(rows):
        if low == low:
            axes.plot([low, high], [y, y], color=ARM_COLORS[arm], lw=2.2, alpha=0.55)
        axes.plot([mean], [y], "s", color=ARM_COLORS[arm], ms=6)
        text = f"{mean:+.3f}" + (f"  [{low:+.3f}, {high:+.3f}]" if low == low else "")
        axes.text(
            1.02, y, text.replace("-", "−"), transform=axes.get_yaxis_transform(), va="center", fontsize=8.5, color=INK
        )
    names = [
        f"{'Synthetic' if row.arm == 'synthetic' else 'Mixed'}  ·  {STRUCTURE_NAMES[row.structure]}" for row in rows
    ]
    axes.set_yticks(range(len(rows)), names, color=INK, fontsize=9.5)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xlabel("Difference in Dice to the arm trained on real frames")
    axes.spines["left"].set_visible(False)
    alt = "Forest plot of paired Dice differences: " + "; ".join(
        f"{name} {number(row.difference.mean)}" for name, row in zip(names, rows, strict=True)
    )
    caption = "Paired difference of the mean Dice with 95 % bootstrap intervals over patients."
    return figure(inline_svg(canvas, "forest", alt), caption)
