"""Dice over the number of real frames, a line with its 95 % band for every training set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle

import numpy as np

from monai_echosynth.workflows.report.interval import Interval
from monai_echosynth.workflows.report.markup import figure
from monai_echosynth.workflows.report.palette import ARM_COLORS, INK, MUTED, PRIOR
from monai_echosynth.workflows.report.svg import inline_svg, new_figure, style_axes

__all__ = ["learning_curves"]


def learning_curves(
    panels: Mapping[str, Mapping[str, Sequence[tuple[int, Interval]]]], titles: Mapping[str, str], caption: str
) -> str:
    """A panel per structure.

    Args:
        panels: structure to arm to points (number of frames, Dice), ordered by number.
        titles: arm to its name in the legend.
        caption: text below the figure.

    Returns:
        Markup of the figure.
    """
    canvas = new_figure(3.0 * len(panels), 3.1)
    grid = canvas.subplots(1, len(panels), squeeze=False).ravel()
    spare = cycle((PRIOR, INK))
    colors = {arm: ARM_COLORS.get(arm) or next(spare) for lines in panels.values() for arm in lines}
    for axes, (structure, lines) in zip(grid, panels.items(), strict=True):
        style_axes(axes)
        axes.set_title(structure, loc="left", color=INK, fontsize=10.5)
        axes.set_xlabel("Real frames")
        axes.set_xscale("log", base=2)
        ticks = sorted({count for points in lines.values() for count, _ in points})
        axes.set_xticks(ticks, [str(tick) for tick in ticks])
        axes.minorticks_off()
        for arm, points in lines.items():
            x = np.array([count for count, _ in points])
            mean, low, high = np.array([[*interval] for _, interval in points]).T
            axes.fill_between(x, low, high, color=colors[arm], alpha=0.12, lw=0)
            axes.plot(x, mean, color=colors[arm], lw=2.0, marker="o", ms=4, label=titles[arm])
    grid[0].set_ylabel("Dice", color=MUTED)
    handles, names = grid[0].get_legend_handles_labels()
    canvas.legend(
        handles, names, loc="outside lower center", ncols=len(names), frameon=False, labelcolor=INK, fontsize=9
    )
    svg = inline_svg(canvas, "learning", f"Dice over the number of real frames for {', '.join(panels)}")
    return figure(svg, caption)
