"""Training curves of every stage that left a history, drawn without TensorBoard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from monai_echosynth.workflows.report.markup import Section, figure, note
from monai_echosynth.workflows.report.palette import ARM_COLORS, ARM_NAMES, ARMS, INK, PRIOR
from monai_echosynth.workflows.report.study import Study
from monai_echosynth.workflows.report.svg import inline_svg, new_figure, style_axes

__all__ = ["curves_section", "smooth"]

POINTS = 300
"""Points drawn a line; longer histories are averaged in blocks."""

Curve = tuple[NDArray[np.float64], NDArray[np.float64]]


class Line(NamedTuple):
    """One line of a panel: name in the legend, color, whether it is a validation score, points."""

    name: str
    color: str
    validation: bool
    curve: Curve


def curves_section(study: Study) -> Section:
    """Panels for autoencoder, diffusion model and segmenters; validation scores where recorded."""
    histories = {folder: study.history(folder) for folder in ("autoencoder", "diffusion")}
    segmenters = {arm: study.history(f"segmenters/{arm}") for arm in ARMS}
    drawn = {
        "Autoencoder loss": _lines(histories["autoencoder"], "", PRIOR, "loss"),
        "Autoencoder validation PSNR, dB": _lines(histories["autoencoder"], "", PRIOR, "psnr"),
        "Diffusion loss": [
            *_lines(histories["diffusion"], "Training", PRIOR, "loss"),
            *_lines(histories["diffusion"], "Validation", INK, "val_loss"),
        ],
        "Segmenter loss": _arm_lines(segmenters, "loss"),
        "Segmenter validation Dice": _arm_lines(segmenters, "dice"),
    }
    panels = [(title, lines) for title, lines in drawn.items() if lines]
    if not panels:
        return Section("curves", "Training curves", note("No stage left a history file, so no curves are drawn."))
    body = _draw(panels)
    missing = [name for name, rows in histories.items() if not rows]
    missing += [f"segmenters/{arm}" for arm, rows in segmenters.items() if not rows]
    if missing:
        body += note(f"Without a history, hence without a curve: {', '.join(missing)}.")
    return Section("curves", "Training curves", body)


def _arm_lines(histories: Mapping[str, Sequence[dict[str, float]]], measure: str) -> list[Line]:
    return [line for arm, rows in histories.items() for line in _lines(rows, ARM_NAMES[arm], ARM_COLORS[arm], measure)]


def _lines(rows: Sequence[dict[str, float]], name: str, color: str, measure: str) -> list[Line]:
    """The line of `loss`, or of the first validation key (`val...`) that speaks of the measure; none without points."""
    wanted = measure.removeprefix("val_")
    keys = {key: None for row in rows for key in row if key.startswith("val") and wanted in key}
    key = "loss" if measure == "loss" else next(iter(keys), "")
    curve = _curve(rows, key)
    return [Line(name, color, measure != "loss", curve)] if curve else []


def smooth(values: NDArray[np.float64], span: int) -> NDArray[np.float64]:
    """Exponential moving average whose start is not pulled to zero (weights are normalized), same length."""
    keep = 1.0 - 2.0 / (span + 1.0)
    found, total, weight = np.empty_like(values), 0.0, 0.0
    for index, value in enumerate(values):
        total, weight = keep * total + (1.0 - keep) * value, keep * weight + (1.0 - keep)
        found[index] = total / weight
    return found


def _curve(rows: Sequence[dict[str, float]], key: str) -> Curve | None:
    kept = [(row.get("iteration", float(index)), row[key]) for index, row in enumerate(rows, start=1) if key in row]
    finite = np.array([pair for pair in kept if np.isfinite(pair[1])], dtype=np.float64).reshape(-1, 2)
    if len(finite) < 2:
        return None
    blocks = np.array_split(finite, min(POINTS, len(finite)))
    means = np.array([block.mean(axis=0) for block in blocks])
    return means[:, 0], means[:, 1]


def _draw(panels: Sequence[tuple[str, list[Line]]]) -> str:
    columns = min(2, len(panels))
    rows = -(-len(panels) // columns)
    canvas = new_figure(8.6 if columns == 2 else 6.0, 2.6 * rows)
    grid = canvas.subplots(rows, columns, squeeze=False).ravel()
    for axes in grid[len(panels) :]:
        axes.remove()
    for axes, (title, lines) in zip(grid, panels, strict=False):
        _panel(axes, title, lines)
    names = ", ".join(title for title, _ in panels)
    svg = inline_svg(canvas, "curves", f"Training curves over iterations: {names}")
    caption = "Long losses: thin in blocks, thick as an exponential moving average. Validation: as recorded."
    return figure(svg, caption)


def _panel(axes: Axes, title: str, lines: Sequence[Line]) -> None:
    style_axes(axes)
    axes.set_title(title, loc="left", color=INK, fontsize=10.5)
    axes.set_xlabel("Iteration")
    lows, highs = [], []
    for name, color, validation, (x, y) in lines:
        if validation or len(y) < 30:
            axes.plot(x, y, color=color, lw=1.8, marker="o" if len(y) < 30 else None, ms=3, label=name or None)
        else:
            axes.plot(x, y, color=color, lw=0.8, alpha=0.3)
            axes.plot(x, smooth(y, max(3, len(y) // 30)), color=color, lw=2.0, label=name or None)
        lows.append(y.min())
        highs.append(float(np.quantile(y, 0.99)) if len(y) > 20 and not validation else y.max())
    if max(highs) > 12 * max(min(lows), 1e-12) and min(lows) > 0:
        axes.set_yscale("log")
        axes.grid(visible=False, which="minor")
        axes.minorticks_off()
    elif max(highs) > min(lows):
        margin = 0.05 * (max(highs) - min(lows))
        axes.set_ylim(min(lows) - margin, max(highs) + margin)
    if len(lines) > 1:
        axes.legend(frameon=False, labelcolor=INK, fontsize=8.5)
