"""The page of results, and a picture: Dice, adherence and realism against the number of network calls."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from benchmarks.few_calls.cells import CONSISTENCY, GUIDED, REFERENCE, STUDENT, TUNED, Cell, main_cells
from benchmarks.few_calls.study import Budget
from monai_echosynth.metrics.summary_json import averaged
from monai_echosynth.workflows.evaluate import compare_arms
from monai_echosynth.workflows.machine import describe_machine, package_versions
from monai_echosynth.workflows.report.svg import new_figure, style_axes

__all__ = ["draw", "page", "rows", "seed_rows"]

_COLORS = {
    STUDENT: "#c2410c",
    CONSISTENCY: "#a16207",
    "dpmpp_2m": "#0f766e",
    "unipc": "#1d4ed8",
    TUNED: "#7c3aed",
    "heun": "#525252",
}


def rows(out: Path, budget: Budget, found: Sequence[Cell]) -> list[dict[str, Any]]:
    """Numbers of every cell: ``adherence`` and its ``agreement`` with the reference, ``kid``, ``dice``, ``difference``."""
    table = []
    for cell in found:
        quality = _metrics(out, f"quality_{cell.name}")
        row = {"method": cell.method, "calls": cell.calls, "adherence": quality["adherence"]}
        row |= {"kid": quality["kid"]["value"], "agreement": _agreement(out, cell)}
        row |= {"dice": None, "difference": None}
        if (trained := _metrics(out, f"dice_{cell.name}_{budget.steps}_0")) and "left_out" not in trained:
            row |= {"dice": trained["mean_dice"], "difference": _difference(out, cell, budget.steps, [0])}
        table.append(row)
    return table


def seed_rows(out: Path, budget: Budget) -> list[dict[str, Any]]:
    """Mean Dice of the main cells by seed of the segmenter, and the paired difference of the means over seeds."""
    found = []
    for cell in main_cells():
        seeds = list(range(budget.seeds))
        trained = [_metrics(out, f"dice_{cell.name}_{budget.main_steps}_{seed}") for seed in seeds]
        if any("left_out" in one for one in trained):
            continue
        dice = [one["mean_dice"]["mean"] for one in trained]
        row: dict[str, Any] = {"method": cell.method, "calls": cell.calls, "dice": dice, "mean": float(np.mean(dice))}
        found.append(row | {"difference": _difference(out, cell, budget.main_steps, seeds)})
    return found


def page(out: Path, budget: Budget, found: Sequence[Cell], command: str, source: str) -> Iterator[str]:
    """Lines of the page."""
    yield f"# Few network calls a frame, {source}\n"
    yield f"```\n{command}\n```\n"
    yield (
        f"{budget.frames} frames a set, drawn from the same training masks with the same seed; segmenters of {budget.steps} "
        f"steps (all sets) and {budget.main_steps} steps ({budget.seeds} seeds), tested on the same "
        "held-out patients. Mean Dice is over the three structures; intervals are over patients. Adherence is the Dice of a "
        "segmenter of real frames against the masks that guided. The teacher at its best is Heun's method with 63 calls.\n"
    )
    yield from _seed_table(seed_rows(out, budget), budget)
    yield f"All sets; one segmenter of {budget.steps} steps each. A dash: adherence below {budget.floor}, none was trained.\n"
    yield from _table(
        ["Method", "Calls", "Dice", "minus teacher at 63", "Adherence", "minus teacher at 63", "KID"],
        (
            [
                _title(row),
                str(row["calls"]),
                _score(row["dice"]),
                _score(row["difference"], "+"),
                f"{row['adherence']:.3f}",
                _score(row["agreement"], "+"),
                f"{row['kid']:.3f}",
            ]
            for row in sorted(rows(out, budget, found), key=lambda row: (row["calls"], row["method"]))
        ),
    )
    yield "One call is the same step with every solver. Heun's method has the odd number next below.\n"
    machine = {**describe_machine(), "torch": package_versions().get("torch")}
    yield ", ".join(f"{key} {value}" for key, value in machine.items()) + ".\n"


def draw(found: Sequence[Mapping[str, Any]]) -> Figure:
    """Dice, adherence and KID against network calls, a line a method."""
    figure = new_figure(10.5, 3.4)
    panels = {"Dice on real patients": "dice", "Adherence to masks": "adherence", "KID to real frames": "kid"}
    for axes, (title, key) in zip(figure.subplots(1, 3), panels.items(), strict=True):
        for method in _COLORS:
            points = sorted((row["calls"], _value(row[key])) for row in found if row["method"] == method and row[key])
            if points:
                axes.plot(*zip(*points, strict=True), "o-", color=_COLORS[method], label=method, markersize=4)
        axes.set_xscale("log", base=2)
        axes.set_xticks(ticks := [1, 2, 4, 8, 16, 32, 64], [str(tick) for tick in ticks])
        axes.set_title(title, fontsize=10, loc="left")
        axes.set_xlabel("network calls a frame")
        style_axes(axes)
    figure.axes[2].set_yscale("log")
    figure.axes[1].legend(fontsize=8, frameon=False)
    return figure


def _seed_table(found: Sequence[Mapping[str, Any]], budget: Budget) -> Iterator[str]:
    seeds = [f"seed {seed}" for seed in range(budget.seeds)]
    yield from _table(
        ["Set", *seeds, "mean Dice", "minus teacher at 63"],
        (
            [
                f"{_title(row)}, {row['calls']} calls",
                *(f"{value:.4f}" for value in row["dice"]),
                f"{row['mean']:.4f}",
                _score(row["difference"], "+", 4),
            ]
            for row in found
        ),
    )


def _difference(out: Path, cell: Cell, steps: int, seeds: Sequence[int]) -> dict[str, Any] | None:
    """Paired difference of mean Dice to the reference; over several seeds, of each frame's mean over them."""
    if cell == REFERENCE:
        return None
    first, second = (
        averaged([_summary(out / one.name / f"{steps}_{seed}" / "scores") for seed in seeds])
        for one in (cell, REFERENCE)
    )
    compared: dict[str, Any] = compare_arms(first, second)["mean"]
    return compared


def _agreement(out: Path, cell: Cell) -> dict[str, Any] | None:
    """Paired difference of adherence to the reference."""
    if cell == REFERENCE:
        return None
    first, second = (_summary(out / one.name / "quality" / "adherence") for one in (cell, REFERENCE))
    compared: dict[str, Any] = compare_arms(first, second)["mean"]
    return compared


def _summary(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    return content


def _metrics(out: Path, stage: str) -> dict[str, Any]:
    """Metrics of a stage; none where it is not finished."""
    path = out / "stages" / f"{stage}.json"
    record = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {"metrics": {}}
    metrics: dict[str, Any] = record["metrics"]
    return metrics


def _title(row: Mapping[str, Any]) -> str:
    names = {
        CONSISTENCY: "student by consistency tuning",
        GUIDED: "teacher, unipc, autoguidance",
        STUDENT: "student",
        TUNED: "teacher, unipc on tuned levels",
    }
    return names.get(row["method"], f"teacher, {row['method']}")


def _value(score: Any) -> float:
    return float(score["mean"] if isinstance(score, Mapping) else score)


def _score(value: Mapping[str, Any] | None, sign: str = "", digits: int = 3) -> str:
    if value is None or value["mean"] is None:
        return "–"
    low, high = value["ci95"]
    return f"{value['mean']:{sign}.{digits}f} [{low:{sign}.{digits}f}, {high:{sign}.{digits}f}]"


def _table(head: Sequence[str], lines: Iterator[Sequence[str]] | Sequence[Sequence[str]]) -> Iterator[str]:
    for line in (head, ["---"] * len(head), *lines):
        yield "| " + " | ".join(line) + " |"
    yield ""
