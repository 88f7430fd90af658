"""Time and peak memory of each stage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from monai_echosynth.workflows.report.cards import duration
from monai_echosynth.workflows.report.markup import Section, figure, note, number, table
from monai_echosynth.workflows.report.palette import INK, MUTED, PRIOR
from monai_echosynth.workflows.report.study import Study
from monai_echosynth.workflows.report.svg import inline_svg, new_figure, style_axes

__all__ = ["timing_section"]


class Cost(NamedTuple):
    """What a stage took: seconds and peak memory in MB (NaN if unknown)."""

    stage: str
    seconds: float
    memory_mb: float


def timing_section(study: Study) -> Section:
    """Bars and table, from the stage files or, without them, from the summary."""
    costs = [
        Cost(str(s.get("stage", "?")), _real(s.get("seconds")), _real(s.get("peak_memory_mb"))) for s in study.stages()
    ]
    remark = ""
    if not costs:
        costs = [Cost(name, _real(seconds), float("nan")) for name, seconds in study.part("timing_s").items()]
        remark = note("The study folder holds no stage files; peak memory per stage is unknown.")
    costs = [cost for cost in costs if cost.seconds == cost.seconds]
    if not costs:
        return Section("timing", "Time and memory", note("No stage times were recorded."))
    rows = [(cost.stage, duration(cost.seconds), number(cost.memory_mb, 0)) for cost in costs]
    peaks = [cost.memory_mb for cost in costs if cost.memory_mb == cost.memory_mb]
    total = duration(sum(cost.seconds for cost in costs))
    rows.append(("Whole study", total, number(study.summary.get("peak_memory_mb", max(peaks, default=None)), 0)))
    stages = table("Cost of each stage", ("Stage", "Time", "Peak memory, MB"), rows)
    return Section("timing", "Time and memory", _draw(costs) + stages + remark)


def _real(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else float("nan")


def _draw(costs: Sequence[Cost]) -> str:
    known = any(cost.memory_mb == cost.memory_mb for cost in costs)
    canvas = new_figure(8.6, 0.7 + 0.27 * len(costs))
    panels = canvas.subplots(1, 2 if known else 1, sharey=True, squeeze=False)[0]
    unit, divisor = ("minutes", 60.0) if max(cost.seconds for cost in costs) >= 180 else ("seconds", 1.0)
    series: Mapping[str, tuple[str, list[float]]] = {
        f"Time, {unit}": (PRIOR, [cost.seconds / divisor for cost in costs]),
        "Peak memory, GiB": (MUTED, [cost.memory_mb / 1024.0 for cost in costs]),
    }
    for axes, (name, (color, values)) in zip(panels, series.items(), strict=False):
        style_axes(axes, grid="x")
        axes.barh(range(len(costs)), [0.0 if value != value else value for value in values], color=color, height=0.62)
        axes.set_xlabel(name)
        axes.spines["left"].set_visible(False)
    panels[0].set_yticks(range(len(costs)), [cost.stage for cost in costs], color=INK, fontsize=9)
    panels[0].set_ylim(len(costs) - 0.4, -0.6)
    alt = "Bar chart of time and peak memory per stage, values as in the table below"
    return figure(inline_svg(canvas, "timing", alt), "Time and peak memory by stage, in the order in which they ran.")
