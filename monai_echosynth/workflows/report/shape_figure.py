"""Pictures of a statistical shape model: its first modes of variation and its three quality curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from monai_echosynth.data.atomic import atomic_path
from monai_echosynth.data.label_table import LabelTable
from monai_echosynth.data.shapes import ShapeModel
from monai_echosynth.workflows.report.palette import INK, MUTED, PRIOR
from monai_echosynth.workflows.report.svg import new_figure, style_axes

__all__ = ["draw_modes", "draw_quality"]

DEVIATIONS = (-3, -2, -1, 0, 1, 2, 3)


def draw_modes(model: ShapeModel, table: LabelTable, path: str | Path, modes: int = 4) -> None:
    """Draws the mean shape and its first modes at 1, 2 and 3 standard deviations on both sides.

    Args:
        model: fitted model.
        table: gives the colors.
        path: PNG to write.
        modes: number of rows.
    """
    rows = min(modes, len(model.variances))
    share = model.variances / model.total_variance
    canvas = new_figure(1.35 * len(DEVIATIONS), 1.9 * rows)
    grid = canvas.subplots(rows, len(DEVIATIONS), squeeze=False)
    for mode, line in enumerate(grid):
        for axes, deviation in zip(line, DEVIATIONS, strict=True):
            coefficients = np.zeros(mode + 1)
            coefficients[mode] = deviation * np.sqrt(model.variances[mode])
            _draw_shape(axes, model, table, model.shape(coefficients))
            if mode == 0:
                title = "mean" if deviation == 0 else f"{deviation:+d} sd"
                axes.set_title(title.replace("-", "\N{MINUS SIGN}"), color=INK, fontsize=10)
        line[0].set_ylabel(f"mode {mode + 1}\n{share[mode]:.0%}", color=INK, fontsize=10)
    reach = 1.45 * np.abs(model.mean).max()
    for axes in grid.ravel():
        axes.set(xlim=(-reach * 0.75, reach * 0.75), ylim=(reach, -reach))
    _save(canvas, path)


def _draw_shape(axes: Axes, model: ShapeModel, table: LabelTable, shape: NDArray[np.float64]) -> None:
    for outline in model.layout.outlines:
        ring = shape[model.layout.rings[outline.name]]
        color = np.array(table.colors[table.id_of(outline.paint)]) / 255
        axes.fill(*ring.T, facecolor=color, edgecolor="none")
        mean = model.mean[model.layout.rings[outline.name]]
        axes.plot(*np.concatenate([mean, mean[:1]]).T, color=INK, lw=0.6, alpha=0.6)
    axes.set_aspect("equal")
    axes.set(xticks=[], yticks=[])
    for spine in axes.spines.values():
        spine.set_visible(False)


def draw_quality(curves: Mapping[str, Any], path: str | Path) -> None:
    """Draws compactness, generality and specificity against the number of modes.

    Args:
        curves: ``compactness`` (one share a mode), ``generality`` and ``specificity`` (each with ``modes``, ``mean_mm`` and
            ``sd_mm``), ``modes`` (number in use).
        path: PNG to write.
    """
    canvas = new_figure(10.5, 3.0)
    first, second, third = canvas.subplots(1, 3)
    held = 100 * np.asarray(curves["compactness"])
    shown = max(curves["generality"]["modes"])
    first.plot(np.arange(1, len(held) + 1)[:shown], held[:shown], color=PRIOR, lw=2)
    _band(second, curves["generality"])
    _band(third, curves["specificity"])
    titles = ("Compactness: variance held, %", "Generality: held-out error, mm", "Specificity: distance to real, mm")
    for axes, title in zip((first, second, third), titles, strict=True):
        style_axes(axes)
        axes.set_title(title, loc="left", color=INK, fontsize=10.5)
        axes.set_xlabel("Modes")
        axes.set_ylim(bottom=0)
        axes.axvline(curves["modes"], color=MUTED, lw=1, ls=":")
    _save(canvas, path)


def _band(axes: Axes, curve: Mapping[str, Sequence[float]]) -> None:
    mean, spread = np.asarray(curve["mean_mm"]), np.asarray(curve["sd_mm"])
    axes.fill_between(curve["modes"], mean - spread, mean + spread, color=PRIOR, alpha=0.18, lw=0)
    axes.plot(curve["modes"], mean, color=PRIOR, lw=2, marker="o", ms=3)


def _save(canvas: Figure, path: str | Path) -> None:
    with atomic_path(path) as partial:
        canvas.savefig(partial, format="png", dpi=130, metadata={"Software": None})
