"""A remapping as one picture: a map in the source's colors, arrows from labels to channels, the map as the generator reads it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, PathPatch, Rectangle
from matplotlib.path import Path as Curve
from numpy.typing import NDArray

from monai_echosynth.data.atomic import atomic_path
from monai_echosynth.data.frame import Pixels
from monai_echosynth.data.label_table import LabelEntry
from monai_echosynth.data.mask_r2 import Remapping, RemapRow
from monai_echosynth.data.mask_r2_rules import RuleKind
from monai_echosynth.workflows.report.palette import ARM_COLORS, GRID, INK, MUTED

__all__ = ["draw_remapping"]

KIND_COLORS: Final = {
    RuleKind.IDENTITY: MUTED,
    RuleKind.REDUCE: ARM_COLORS["real"],
    RuleKind.REPURPOSE: ARM_COLORS["synthetic"],
}
"""Color of an arrow; that of the last operation where several meet."""

# inches
ROW, CHIP, CHIP_HEIGHT, SPAN = 0.5, 1.85, 0.36, 1.9
HEADING, MARGIN, INSET = 0.5, 0.3, (ROW - CHIP_HEIGHT) / 2
MAP_WIDTHS: Final = (2.4, 4.4)
DPI: Final = 160


def draw_remapping(remapping: Remapping, path: Path, example: Pixels | None = None) -> None:
    """Writes the picture.

    Args:
        remapping: what to show.
        path: the PNG.
        example: label map (X, Y) with ids of the source table, and its pixel size; the arrows alone when None.

    Raises:
        EchoSynthError: the map holds an unknown id.
        OSError: the file cannot be written.
    """
    groups = _groups(remapping)
    rows = sum(len(sources) for _, sources in groups) + len(remapping.unused)
    diagram = (2 * CHIP + SPAN, rows * ROW)
    panel = (0.0, 0.0) if example is None else _panel_size(example, diagram[1] - 2 * INSET)
    side = panel[0] + MARGIN if example is not None else 0.0
    width = 2 * (MARGIN + side) + diagram[0]
    body = max(diagram[1], panel[1] + 2 * INSET)
    figure = Figure(figsize=(width, body + HEADING + MARGIN), dpi=DPI, facecolor="white")

    def place(left: float, size: tuple[float, float], inset: float = 0.0) -> Axes:
        """Axes of ``size`` inches, ``inset`` below the headings."""
        bottom = MARGIN + body - inset - size[1]
        height = figure.get_figheight()
        return figure.add_axes((left / width, bottom / height, size[0] / width, size[1] / height))

    _draw_diagram(place(MARGIN + side, diagram), remapping, groups, diagram)
    if example is not None:
        before, after = example.array.astype(np.uint8), remapping.apply(example.array).astype(np.uint8)
        _draw_map(place(MARGIN, panel, INSET), remapping.source.colors[before], f"As labeled ({remapping.source.name})")
        _draw_map(
            place(width - MARGIN - panel[0], panel, INSET),
            remapping.base.colors[after],
            f"As the generator reads it ({remapping.base.name})",
        )
    with atomic_path(path) as partial:
        figure.savefig(partial, format="png", metadata={"Software": None})


def _groups(remapping: Remapping) -> list[tuple[LabelEntry, list[RemapRow]]]:
    """Rows joined by the base label they take, so that no arrows cross."""
    rows: dict[str, list[RemapRow]] = {}
    for row in remapping.rows():
        rows.setdefault(row.target.name, []).append(row)
    return [(members[0].target, members) for members in rows.values()]


def _panel_size(example: Pixels, height: float) -> tuple[float, float]:
    """Width and height of a map in inches, in its physical proportions and about as high as ``height``."""
    lateral, depth = (count * spacing for count, spacing in zip(example.array.shape, example.spacing, strict=True))
    aspect = float(np.clip(depth / lateral, 0.4, 1.6))
    width = float(np.clip(height / aspect, *MAP_WIDTHS))
    return width, width * aspect


def _draw_map(axes: Axes, colors: NDArray[np.uint8], title: str) -> None:
    axes.imshow(colors.transpose(1, 0, 2), interpolation="nearest", aspect="auto")
    axes.set_axis_off()
    axes.set_title(title, fontsize=10.5, color=INK, pad=8, va="baseline")


def _draw_diagram(
    axes: Axes, remapping: Remapping, groups: list[tuple[LabelEntry, list[RemapRow]]], size: tuple[float, float]
) -> None:
    axes.set_xlim(0, size[0])
    axes.set_ylim(0, size[1])
    axes.set_axis_off()
    for x, text in ((CHIP / 2, "Label"), (CHIP + SPAN + CHIP / 2, "Generator's channel")):
        axes.text(x, size[1] - INSET + 8 / 72, text, ha="center", va="baseline", fontsize=10.5, color=INK)
    y = size[1] - ROW / 2
    right = CHIP + SPAN
    for target, members in groups:
        heights = [y - ROW * index for index in range(len(members))]
        center = sum(heights) / len(heights)
        for row, height in zip(members, heights, strict=True):
            _draw_chip(axes, 0.0, height, row.label, f"id {row.label.id}")
        _draw_arrow(axes, heights, center, members)
        _draw_chip(axes, right, center, target, f"channel {target.channel}")
        y = heights[-1] - ROW
    for entry in remapping.base.entries:
        if entry.name in remapping.unused:
            _draw_chip(axes, right, y, entry, "unused", faded=True)
            y -= ROW


def _draw_chip(axes: Axes, x: float, y: float, entry: LabelEntry, note: str, faded: bool = False) -> None:
    """A box with the label's color, its name and a note; ``x`` is its left edge and ``y`` its middle."""
    half = CHIP_HEIGHT / 2
    axes.add_patch(
        FancyBboxPatch(
            (x + 0.06, y - half + 0.06),
            CHIP - 0.12,
            CHIP_HEIGHT - 0.12,
            boxstyle="round,pad=0.06",
            facecolor="white",
            edgecolor=GRID,
            linestyle="--" if faded else "-",
            linewidth=1.2,
            clip_on=False,
        )
    )
    color = tuple(value / 255 for value in entry.color)
    alpha = 0.35 if faded else 1.0
    axes.add_patch(Rectangle((x + 0.1, y - 0.1), 0.2, 0.2, facecolor=color, alpha=alpha, linewidth=0))
    axes.text(x + 0.4, y, entry.name, va="center", fontsize=10, color=MUTED if faded else INK)
    axes.text(x + CHIP - 0.1, y, note, ha="right", va="center", fontsize=8.5, color=MUTED)


def _draw_arrow(axes: Axes, heights: list[float], center: float, members: list[RemapRow]) -> None:
    """Lines from all members, joined to one arrow that names what is done."""
    kinds = sorted({row.rule.kind for row in members}, key=list(RuleKind).index)
    color = KIND_COLORS[kinds[-1]]
    operations = list(dict.fromkeys(row.rule.operation for row in sorted(members, key=lambda r: r.rule.kind)))
    start, joint, end = CHIP + 0.06, CHIP + 0.45, CHIP + SPAN - 0.06
    for height in heights:
        middle = (start + joint) / 2
        curve = Curve(
            [(start, height), (middle, height), (middle, center), (joint, center)],
            [Curve.MOVETO, Curve.CURVE4, Curve.CURVE4, Curve.CURVE4],
        )
        axes.add_patch(PathPatch(curve, facecolor="none", edgecolor=color, linewidth=1.6, capstyle="round"))
    axes.annotate(
        "",
        (end, center),
        (joint - 0.02, center),
        arrowprops={"arrowstyle": "-|>", "color": color, "linewidth": 1.6, "shrinkA": 0, "shrinkB": 0},
    )
    axes.text(
        (CHIP + SPAN + joint) / 2 - 0.08,
        center + 0.05,
        " + ".join(operations),
        ha="center",
        va="bottom",
        fontsize=8.5,
        color=color,
    )
