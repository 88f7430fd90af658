"""``summary.json``, ``cells.csv``, figures and the report page of the generator study."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from itertools import cycle
from pathlib import Path
from typing import Any, Final

from matplotlib.figure import Figure

from monai_echosynth.data.atomic import atomic_path, write_json, write_text
from monai_echosynth.workflows.generator_frames import draw_generator_frames, line_title
from monai_echosynth.workflows.generator_plan import StudyPlan
from monai_echosynth.workflows.generator_summary import generator_summary, write_cells
from monai_echosynth.workflows.phantom_stage import prepared
from monai_echosynth.workflows.report.cards import duration
from monai_echosynth.workflows.report.curve_panels import LineStyle, Panel, curve_panels
from monai_echosynth.workflows.report.interval import Interval, as_interval
from monai_echosynth.workflows.report.markup import Section, figure, number, paragraph, png_uri, table
from monai_echosynth.workflows.report.page import render_page
from monai_echosynth.workflows.report.svg import inline_svg

__all__ = ["draw_curves", "write_generator_report"]

Rows = Sequence[Mapping[str, Any]]

_COLORS: Final = ("#0072b2", "#d55e00", "#00916a", "#8a4fbf", "#b8860b", "#56b4e9", "#cc79a7")
_LOOKS: Final = (("-", "o"), ("--", "s"), (":", "^"), ("-.", "D"))
_CURVES = (
    "Over network calls an image: one color a family, one dash a solver, bands are 95 % intervals over patients. The dashed "
    "level is that of real training frames, which KID compares with other real patients."
)
_TABLE = (
    "Segmenters and view classifiers saw the set alone and are tested on real patients; brackets: 95 % intervals over patients. "
    "Difference: Dice minus that of real training frames, on the same frames. Adherence: Dice of the segmenter of real frames "
    "against the masks that guided."
)
_SPEED = (
    "Images a second: end to end from masks to files, and of each part by itself. Relative: end to end, over {reference} with "
    "the same number of calls."
)
_RANKS = "Rank among the cells, 1 is best: realism by KID, utility by Dice and by accuracy of the views."
_FRAMES = "One mask and one seed in all sets."


def write_generator_report(plan: StudyPlan, data: Path, out: Path) -> dict[str, Any]:
    """Write ``summary.json``, ``cells.csv``, ``curves.png``, ``frames.png`` and ``report.html``; returns the summary.

    Args:
        plan: what was done.
        data: folder of the real frames, or of the stage that made them.
        out: folder of a study whose other stages are finished.
    """
    summary = generator_summary(plan, prepared(data), out)
    write_json(out / "summary.json", summary)
    write_cells(summary["cells"], out / "cells.csv")
    draw_generator_frames(plan.cells, prepared(data), out, out / "frames.png")
    curves = draw_curves(summary)
    with atomic_path(out / "curves.png") as partial:
        curves.savefig(partial, format="png", dpi=130, facecolor="white")
    drawn = figure(inline_svg(curves, "curves", "Scores and throughput over network calls an image"), _CURVES)
    picture = f'<img src="{png_uri((out / "frames.png").read_bytes())}" alt="One frame of every set">'
    sections = [
        Section("curves", "Network calls", drawn),
        Section("cells", "All cells", paragraph(_TABLE) + _cells(summary)),
        Section("speed", "Throughput", _speed(summary)),
        Section(
            "ranking", "Realism and utility", paragraph(_correlations(summary)) + paragraph(_RANKS) + _ranking(summary)
        ),
        Section("frames", "Frames", figure(picture, _FRAMES)),
        Section("cost", "Time", table("Stages", ("Stage", "Time"), _times(summary))),
    ]
    kicker = f"monai-echosynth · {plan.source} · preset {plan.grid.preset} · {plan.size} pixels · seed {plan.grid.seed}"
    lead = "".join(f'<p class="lead">{escape(line)}</p>' for line in _findings(summary))
    notes = "".join(paragraph(line, "note") for line in summary["notes"])
    page = render_page("Generators compared", kicker, lead + notes, sections, "Research only, not for diagnosis.")
    write_text(out / "report.html", page)
    return summary


def draw_curves(summary: Mapping[str, Any]) -> Figure:
    """Dice, distances, accuracy, KID and throughput over network calls, a line for each family and solver."""
    rows, real = summary["cells"], summary["real"]
    structure = next(iter(real["dice"]))
    panels = [
        _panel("Dice, mean", "Dice", rows, real, ("dice", "mean")),
        _panel(f"Hausdorff distance, {structure}", "mm", rows, real, ("hd_mm", structure)),
        _panel(f"HD95, {structure}", "mm", rows, real, ("hd95_mm", structure)),
        _panel("Views, accuracy", "", rows, real, ("accuracy",)) if real["accuracy"] else None,
        _panel("KID", "", rows, real, ("quality", "kid")),
        _panel("Throughput", "images/s", rows, {}, ("throughput", "end_to_end"))._replace(logarithmic=True),
    ]
    return curve_panels([panel for panel in panels if panel], _styles(rows), "Network calls an image")


def _styles(rows: Rows) -> dict[str, LineStyle]:
    """A color for each family, a dash for each solver."""
    families = dict(zip(dict.fromkeys(row["family"] for row in rows), cycle(_COLORS), strict=False))
    solvers = dict(zip(dict.fromkeys(row["solver"] for row in rows if row["solver"]), cycle(_LOOKS), strict=False))
    return {
        row["line"]: LineStyle(
            line_title(row["family"], row["solver"]), families[row["family"]], *solvers.get(row["solver"], ("-", "*"))
        )
        for row in rows
    }


def _panel(title: str, unit: str, rows: Rows, real: Mapping[str, Any], path: tuple[str, ...]) -> Panel:
    lines: dict[str, list[tuple[int, Interval]]] = {}
    for row in sorted(rows, key=lambda row: row["nfe"]):
        found = _at(row, path)
        if found is not None:
            lines.setdefault(row["line"], []).append((row["nfe"], found))
    return Panel(title, unit, lines, _at(real, path) if real else None)


def _at(row: Mapping[str, Any], path: tuple[str, ...]) -> Interval | None:
    value: Any = row
    for key in path:
        value = value[key]
    return as_interval({"mean": value["value"], "ci95": value.get("ci95")} if _is_metric(value) else value)


def _is_metric(value: Any) -> bool:
    return isinstance(value, Mapping) and "value" in value


def _findings(summary: Mapping[str, Any]) -> Iterator[str]:
    """What the numbers say, in sentences."""
    rows, real = summary["cells"], summary["real"]
    best = max(rows, key=lambda row: row["dice"]["mean"]["mean"])
    yield (
        f"Best Dice on real patients: {_title(best)} with {number(best['dice']['mean']['mean'])}; real training frames reach "
        f"{number(real['dice']['mean']['mean'])}."
    )
    flat = [f"{_line(rows, line)} from {calls}" for line, calls in summary["flat_from"].items() if calls is not None]
    if flat:
        yield f"No difference in Dice to the most network calls that were tried: {'; '.join(flat)} calls on."


def _correlations(summary: Mapping[str, Any]) -> str:
    """Whether realism and utility agree."""
    ranked, found = summary["ranking"], []
    for key, name in (("realism_and_dice", "Dice"), ("realism_and_accuracy", "accuracy of the views")):
        if ranked.get(key):
            rho, p = number(ranked[key]["spearman"], 2), number(ranked[key]["p"], 3)
            found.append(f"realism and {name}: {rho} (p = {p})")
    return f"Rank correlation (Spearman) over {len(summary['cells'])} cells of {'; '.join(found)}."


def _cells(summary: Mapping[str, Any]) -> str:
    structures = list(summary["real"]["dice"])
    first = structures[0]
    header = ("Set", *(f"Dice, {name}" for name in structures), "Difference", f"HD, {first}, mm", f"HD95, {first}, mm")
    header += ("Accuracy", "AUROC", "KID", "FID", "Adherence")
    rows = [("Real frames", *_row(summary["real"], structures))]
    rows += [(_title(row), *_row(row, structures)) for row in summary["cells"]]
    return table("Scores on real test patients", header, rows, html_cells=True)


def _row(row: Mapping[str, Any], structures: Sequence[str]) -> Iterator[str]:
    for name in structures:
        yield _html(row["dice"][name])
    difference = row.get("difference_to_real")
    yield _html(difference["mean"]) if difference else "–"
    yield _html(row["hd_mm"][structures[0]], 1)
    yield _html(row["hd95_mm"][structures[0]], 1)
    yield _html(row["accuracy"])
    areas = [area["mean"] for area in (row["auroc"] or {}).values() if area]
    yield number(sum(areas) / len(areas)) if areas else "–"
    for name in ("kid", "fid"):
        yield number(row["quality"][name]["value"])
    yield number(row["quality"]["adherence"]["mean"]["value"])


def _speed(summary: Mapping[str, Any]) -> str:
    rows = []
    for row in summary["cells"]:
        found = row["throughput"]
        parts = (number(found[name], 2) for name in ("end_to_end", "sampling", "decoding", "writing"))
        rows.append((_title(row), *parts, number(row["relative_speed"], 2)))
    reference = line_title(summary["speed_reference"] or "none", None)
    header = ("Set", "End to end", "Sampling", "Decoding", "Writing", "Relative")
    return paragraph(_SPEED.format(reference=reference)) + table("Images a second", header, rows)


def _ranking(summary: Mapping[str, Any]) -> str:
    ranks = summary["ranking"]["cells"]
    rows = sorted(summary["cells"], key=lambda row: ranks[row["name"]]["dice"])
    columns = [name for name in ("dice", "accuracy", "kid") if name in ranks[rows[0]["name"]]]
    titles = {"dice": "Dice", "accuracy": "Accuracy", "kid": "Realism (KID)"}
    body = [(_title(row), *(str(ranks[row["name"]][name]) for name in columns)) for row in rows]
    return table("Ranks", ("Set", *(titles[name] for name in columns)), body)


def _times(summary: Mapping[str, Any]) -> list[tuple[str, str]]:
    rows = [(name, duration(seconds)) for name, seconds in summary["timing_s"].items()]
    return [*rows, ("together", duration(sum(summary["timing_s"].values())))]


def _title(row: Mapping[str, Any]) -> str:
    name = line_title(row["family"], row["solver"])
    return name if row["solver"] is None else f"{name}, {row['nfe']} calls"


def _line(rows: Rows, line: str) -> str:
    return next(line_title(row["family"], row["solver"]) for row in rows if row["line"] == line)


def _html(value: Any, digits: int = 3) -> str:
    found = as_interval(value)
    return found.html(digits) if found else "–"
