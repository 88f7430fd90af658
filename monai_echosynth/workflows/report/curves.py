"""Training curves of every stage that left a history, drawn without TensorBoard."""

from __future__ import annotations

from collections.abc import Sequence

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


def curves_section(study: Study) -> Section:
    """One panel a stage: loss of the autoencoder, of the diffusion model, of the segmenters; validation where recorded."""
    panels: list[tuple[str, list[tuple[str, str, Curve]]]] = []
    for title, folder in (("Autoencoder loss", "autoencoder"), ("Diffusion loss", "diffusion")):
        curve = _curve(study.history(folder), "loss")
        if curve:
            panels.append((title, [("", PRIOR, curve)]))
    histories = {arm: study.history(f"segmenters/{arm}") for arm in ARMS}
    for title, key in (("Segmenter loss", "loss"), ("Segmenter validation Dice", "val_dice")):
        found = [(ARM_NAMES[arm], ARM_COLORS[arm], _curve(rows, key)) for arm, rows in histories.items()]
        lines = [(name, color, curve) for name, color, curve in found if curve]
        if lines:
            panels.append((title, lines))
    if not panels:
        return Section("curves", "Training curves", note("No stage left a history file, so no curves are drawn."))
    body = _draw(panels)
    missing = [name for name in ("autoencoder", "diffusion") if not study.history(name)]
    missing += [f"segmenters/{arm}" for arm, rows in histories.items() if not rows]
    if missing:
        body += note(f"Without a history, hence without a curve: {', '.join(missing)}.")
    return Section("curves", "Training curves", body)


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


def _draw(panels: list[tuple[str, list[tuple[str, str, Curve]]]]) -> str:
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
    return figure(svg, "Thin: as recorded (long runs averaged in blocks). Thick: exponential moving average.")


def _panel(axes: Axes, title: str, lines: list[tuple[str, str, Curve]]) -> None:
    style_axes(axes)
    axes.set_title(title, loc="left", color=INK, fontsize=10.5)
    axes.set_xlabel("Iteration")
    lows, highs = [], []
    for name, color, (x, y) in lines:
        averaged = smooth(y, max(3, len(y) // 20))
        axes.plot(x, y, color=color, lw=0.8, alpha=0.3)
        axes.plot(x, averaged, color=color, lw=2.0, label=name or None)
        lows.append(y.min())
        highs.append(float(np.quantile(y, 0.995)) if len(y) > 20 else y.max())
    if max(highs) > 12 * max(min(lows), 1e-12) and min(lows) > 0:
        axes.set_yscale("log")
        axes.grid(visible=False, which="minor")
        axes.minorticks_off()
    elif max(highs) > min(lows):
        margin = 0.05 * (max(highs) - min(lows))
        axes.set_ylim(min(lows) - margin, max(highs) + margin)
    if any(name for name, _, _ in lines):
        axes.legend(frameon=False, labelcolor=INK, fontsize=8.5)
