"""Differences with their intervals as a forest plot, a row each, zero as a line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from monai_echosynth.workflows.report.interval import Interval
from monai_echosynth.workflows.report.markup import figure, number
from monai_echosynth.workflows.report.palette import INK, MUTED
from monai_echosynth.workflows.report.svg import inline_svg, new_figure, style_axes

__all__ = ["Difference", "difference_plot"]


class Difference(NamedTuple):
    """One row: its name, the difference with its interval, the color of what is compared."""

    name: str
    difference: Interval
    color: str


def difference_plot(rows: Sequence[Difference], axis: str, caption: str) -> str:
    """Markup of the figure.

    Args:
        rows: from top to bottom.
        axis: title of the axis.
        caption: text below the figure.
    """
    canvas = new_figure(7.6, 0.7 + 0.3 * len(rows))
    axes = canvas.subplots()
    style_axes(axes, grid="x")
    axes.axvline(0.0, color=MUTED, lw=1.2)
    for y, (_, (mean, low, high), color) in enumerate(rows):
        if low == low:
            axes.plot([low, high], [y, y], color=color, lw=2.2, alpha=0.55)
        axes.plot([mean], [y], "s", color=color, ms=6)
        text = f"{mean:+.3f}" + (f"  [{low:+.3f}, {high:+.3f}]" if low == low else "")
        across = axes.get_yaxis_transform()
        axes.text(1.02, y, text.replace("-", "−"), transform=across, va="center", fontsize=8.5, color=INK)
    axes.set_yticks(range(len(rows)), [row.name for row in rows], color=INK, fontsize=9.5)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xlabel(axis)
    axes.spines["left"].set_visible(False)
    alt = f"{axis}: " + "; ".join(f"{row.name} {number(row.difference.mean)}" for row in rows)
    return figure(inline_svg(canvas, "forest", alt), caption)
