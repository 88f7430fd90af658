"""Dice over the number of real frames or over another quantity, a line with its 95 % band for every training set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle

from monai_echosynth.workflows.report.curve_panels import LineStyle, Panel, curve_panels
from monai_echosynth.workflows.report.interval import Interval
from monai_echosynth.workflows.report.markup import figure
from monai_echosynth.workflows.report.palette import ARM_COLORS, INK, PRIOR
from monai_echosynth.workflows.report.svg import inline_svg

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
    spare = cycle((PRIOR, INK))
    known = ARM_COLORS if colors is None else colors
    arms = dict.fromkeys(arm for lines in panels.values() for arm in lines)
    styles = {arm: LineStyle(titles[arm], known.get(arm) or next(spare)) for arm in arms}
    shown = [
        Panel(structure, "" if number else "Dice", lines) for number, (structure, lines) in enumerate(panels.items())
    ]
    canvas = curve_panels(shown, styles, quantity, columns=len(panels), linear=linear)
    of = "the number of real frames" if quantity == "Real frames" else quantity[:1].lower() + quantity[1:]
    return figure(inline_svg(canvas, name, f"Dice over {of} for {', '.join(panels)}"), caption)
