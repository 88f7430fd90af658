"""Panels of curves with their 95 % bands over one axis, one line for one thing in all panels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatter

from monai_echosynth.workflows.report.interval import Interval
from monai_echosynth.workflows.report.palette import INK, MUTED
from monai_echosynth.workflows.report.svg import new_figure, style_axes

__all__ = ["LineStyle", "Panel", "curve_panels"]

Points = Sequence[tuple[float, Interval]]


class LineStyle(NamedTuple):
    """How a line looks everywhere, and what it is called."""

    title: str
    color: str
    dash: str = "-"
    marker: str = "o"


class Panel(NamedTuple):
    """What one panel shows.

    Attributes:
        title: above the panel.
        unit: along its vertical axis.
        lines: name of the line to its points, in order of the horizontal axis.
        reference: a level that is drawn across, with its band.
        logarithmic: whether the vertical axis is.
    """

    title: str
    unit: str
    lines: Mapping[str, Points]
    reference: Interval | None = None
    logarithmic: bool = False


def curve_panels(
    panels: Sequence[Panel], styles: Mapping[str, LineStyle], axis: str, columns: int = 3, linear: bool = False
) -> Figure:
    """A figure of panels with one legend.

    Args:
        panels: in reading order.
        styles: of the lines by name.
        axis: what the horizontal axes count.
        columns: panels beside each other at most.
        linear: equal steps instead of equal factors on the horizontal axes.
    """
    columns = min(columns, len(panels))
    rows = -(-len(panels) // columns)
    legend = 0.25 * -(-len(styles) // 4)
    canvas = new_figure(3.0 * columns, 2.8 * rows + legend)
    grid = canvas.subplots(rows, columns, squeeze=False).ravel()
    ticks = sorted({count for panel in panels for points in panel.lines.values() for count, _ in points})
    handles = {}
    for axes, panel in zip(grid, panels, strict=False):
        style_axes(axes)
        axes.set_title(panel.title, loc="left", color=INK, fontsize=10.5)
        axes.set_xlabel(axis)
        axes.set_ylabel(panel.unit, color=MUTED)
        if not linear:
            axes.set_xscale("log", base=2)
        axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        axes.minorticks_off()
        if panel.logarithmic:
            axes.set_yscale("log")
            for part in (axes.yaxis.set_major_formatter, axes.yaxis.set_minor_formatter):
                part(LogFormatter(minor_thresholds=(2, 0.5)))
            axes.tick_params(which="minor", colors=MUTED, labelsize=9, length=0)
        if panel.reference is not None:
            axes.axhline(panel.reference.mean, color=INK, lw=1.2, ls="--")
            if np.isfinite([panel.reference.low, panel.reference.high]).all():
                axes.axhspan(panel.reference.low, panel.reference.high, color=INK, alpha=0.07, lw=0)
        for name, points in panel.lines.items():
            style = styles[name]
            x = np.array([count for count, _ in points])
            mean, low, high = np.array([[*interval] for _, interval in points]).T
            axes.fill_between(x, low, high, color=style.color, alpha=0.12, lw=0)
            if len(points) == 1:
                axes.vlines(x, low, high, color=style.color, alpha=0.4, lw=3)
            look = {"color": style.color, "ls": style.dash, "marker": style.marker}
            (handles[name],) = axes.plot(x, mean, lw=2.0, ms=4, **look)
    for axes in grid[len(panels) :]:
        axes.set_visible(False)
    shown = [name for name in styles if name in handles]
    canvas.legend(
        [handles[name] for name in shown],
        [styles[name].title for name in shown],
        loc="outside lower center",
        ncols=min(4, len(shown)),
        frameon=False,
        labelcolor=INK,
        fontsize=9,
    )
    return canvas
