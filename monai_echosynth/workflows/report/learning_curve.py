"""Dice over the number of real frames or over another quantity, a line with its 95 % band for every training set."""

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
    panels: Mapping[str, Mapping[str, Sequence[tuple[float, Interval]]]],
    titles: Mapping[str, str],
    caption: str,
    quantity: str = "Real frames",
    colors: Mapping[str, str] | None = None,
    linear: bool = False,
    name: str = "learning",
) -> str:
    """A panel per structure, or per whatever else.

    Args:
        panels: title of the panel to arm to points (number of frames, Dice), ordered by number.
        titles: arm to its name in the legend.
        caption: text below the figure.
        quantity: what the horizontal axis shows.
        colors: arm to its color; those of the page when omitted.
        linear: equal steps instead of equal factors on that axis.
        name: unique on the page.

    Returns:
        Markup of the figure.
    """
    canvas = new_figure(3.0 * len(panels), 3.1)
    grid = canvas.subplots(1, len(panels), squeeze=False).ravel()
    spare = cycle((PRIOR, INK))
    known = ARM_COLORS if colors is None else colors
    colors = {
        arm: known.get(arm) or next(spare) for arm in dict.fromkeys(a for lines in panels.values() for a in lines)
    }
    for axes, (structure, lines) in zip(grid, panels.items(), strict=True):
        style_axes(axes)
        axes.set_title(structure, loc="left", color=INK, fontsize=10.5)
        axes.set_xlabel(quantity)
        if not linear:
            axes.set_xscale("log", base=2)
        ticks = sorted({count for points in lines.values() for count, _ in points})
        axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        axes.minorticks_off()
        for arm, points in lines.items():
            x = np.array([count for count, _ in points])
            mean, low, high = np.array([[*interval] for _, interval in points]).T
            axes.fill_between(x, low, high, color=colors[arm], alpha=0.12, lw=0)
            axes.plot(x, mean, color=colors[arm], lw=2.0, marker="o", ms=4, label=titles[arm])
    grid[0].set_ylabel("Dice", color=MUTED)
    drawn = [axes.get_legend_handles_labels() for axes in grid]
    legend = {label: handle for handles, labels in drawn for handle, label in zip(handles, labels, strict=True)}
    columns = min(len(legend), 3 if len(legend) > 4 else 4)
    canvas.legend(
        [*legend.values()],
        [*legend],
        loc="outside lower center",
        ncols=columns,
        frameon=False,
        labelcolor=INK,
        fontsize=9,
    )
    of = "the number of real frames" if quantity == "Real frames" else quantity[:1].lower() + quantity[1:]
    svg = inline_svg(canvas, name, f"Dice over {of} for {', '.join(panels)}")
    return figure(svg, caption)
