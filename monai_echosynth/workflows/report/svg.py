"""Matplotlib figures as inline SVG that follow the page's colors.

Each figure is a `Figure` object of its own (no pyplot, hence no global list of figures). Text stays text, so it is
selectable, printed sharply and read in the page's font; colors become variables of the style sheet.
"""

from __future__ import annotations

import io
import re
from html import escape

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from monai_echosynth.workflows.report.palette import GRID, MUTED, VARIABLES

__all__ = ["inline_svg", "new_figure", "style_axes"]


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of the given size in inches whose parts are laid out without overlap."""
    return Figure(figsize=(width, height), layout="constrained")


def style_axes(axes: Axes, grid: str = "y") -> None:
    """Gives axes the page's look: two thin spines, a light grid along `grid` ('x', 'y' or 'both'), muted ticks."""
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(GRID)
    axes.tick_params(colors=MUTED, labelsize=9, length=0)
    axes.grid(visible=True, axis=grid, color=GRID, linewidth=0.8)  # type: ignore[arg-type]
    axes.set_axisbelow(True)
    for label in (axes.xaxis.label, axes.yaxis.label):
        label.set(color=MUTED, fontsize=9.5)


def inline_svg(figure: Figure, name: str, alt: str) -> str:
    """Renders a figure as an `<svg>` element.

    Args:
        figure: What to draw.
        name: Unique on the page; ids inside the drawing derive from it.
        alt: What the figure shows, in words.

    Returns:
        Markup with no outside reference.
    """
    stream = io.StringIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": name}):
        figure.savefig(stream, format="svg", transparent=True, metadata={"Date": None, "Creator": None, "Format": None})
    text = stream.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL)
    text = (
        re.sub(r'\s(xmlns(:\w+)?|version|width|height)="[^"]*"', "", text[: text.index(">")]) + text[text.index(">") :]
    )
    text = re.sub(r'(id=|href=|clip-path=)"(#|url\(#)?', lambda found: f"{found.group(0)}{name}-", text)
    for color, variable in VARIABLES.items():
        text = re.sub(re.escape(color), f"var({variable})", text, flags=re.IGNORECASE)
    label = f' role="img" aria-label="{escape(alt)}" style="--natural:{figure.get_figwidth() * 72:.0f}pt"'
    return re.sub(r"\n\s*", "\n", "<svg" + label + text[len("<svg") :])
