"""Dice scores with their intervals, one row a structure, one color an arm."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from monai_echosynth.workflows.report.interval import as_interval
from monai_echosynth.workflows.report.markup import figure
from monai_echosynth.workflows.report.palette import ARM_COLORS, ARM_NAMES, INK, STRUCTURE_NAMES, STRUCTURES
from monai_echosynth.workflows.report.svg import inline_svg, new_figure, style_axes

__all__ = ["dice_plot"]


def dice_plot(arms: Mapping[str, Mapping[str, Any]]) -> str:
    """Draws the Dice table as a dot plot; empty if no structure has a score."""
    drawn = [name for name in STRUCTURES if any(as_interval(scores.get(name)) for scores in arms.values())]
    if not drawn:
        return ""
    canvas = new_figure(7.6, 0.75 + 0.52 * len(drawn))
    axes = canvas.subplots()
    style_axes(axes, grid="x")
    for position, (arm, scores) in enumerate(arms.items()):
        offset = 0.2 * (position - (len(arms) - 1) / 2)
        label: str | None = ARM_NAMES[arm]
        for row, name in enumerate(drawn):
            score = as_interval(scores.get(name))
            if score is None:
                continue
            if score.low == score.low:
                axes.plot([score.low, score.high], [row + offset] * 2, color=ARM_COLORS[arm], lw=2.2, alpha=0.55)
            axes.plot([score.mean], [row + offset], "o", color=ARM_COLORS[arm], ms=6.5, label=label)
            label = None
    axes.set_yticks(range(len(drawn)), [STRUCTURE_NAMES[name] for name in drawn], color=INK, fontsize=9.5)
    axes.set_ylim(len(drawn) - 0.5, -0.5)
    axes.set_xlabel("Dice on real test patients")
    axes.spines["left"].set_visible(False)
    axes.legend(frameon=False, ncols=3, loc="lower left", bbox_to_anchor=(-0.01, 1.0), labelcolor=INK, fontsize=9)
    alt = "Dot plot of the Dice scores of the table above with 95 % intervals, by structure and training set"
    return figure(inline_svg(canvas, "dice", alt), "Mean Dice with 95 % intervals; values as in the table above.")
