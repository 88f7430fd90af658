"""Numbers of the generator study: a row for each cell, and what follows from the rows.

- *Difference to real*: Dice of the cell's segmenter minus that of the segmenter of real frames, on the same test frames.
- *Flat from*: the fewest network calls of a family and solver from which on no Dice differs from that at its most calls, by
  the interval of the paired difference. A small study cannot tell much apart and finds lines flat early: see the intervals.
- *Relative speed*: images a second over those of the reference family with the same number of calls; the reference is the first
  of EDM, VP, VE and SDM that is there.
- *Ranking*: Spearman's correlation, over cells, of realism (a small kernel distance KID) and utility (Dice, accuracy).
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from scipy.stats import spearmanr

from monai_echosynth.data.atomic import write_text
from monai_echosynth.data.datalist import load_datalist
from monai_echosynth.data.finite_json import finite_json
from monai_echosynth.workflows.evaluate import compare_arms
from monai_echosynth.workflows.generator_grid import REAL, Cell
from monai_echosynth.workflows.generator_plan import StudyPlan
from monai_echosynth.workflows.machine import describe_machine, package_versions

__all__ = ["generator_summary", "ranking", "write_cells"]

_REFERENCES: Final = ("edm", "vp", "ve", "sdm")


def generator_summary(plan: StudyPlan, data: Path, out: Path) -> dict[str, Any]:
    """Content of ``summary.json``.

    Args:
        plan: what was done.
        data: prepared folder of real frames.
        out: folder of a study whose stages up to the report are finished.

    Returns:
        ``cells`` (a list of rows), ``real`` (the row of real frames), ``families``, ``speed_reference``, ``flat_from``,
        ``ranking``, ``data``, ``grid``, ``notes``, ``timing_s``, ``peak_memory_mb``, ``versions``, ``machine`` and ``seed``.
    """
    records = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in (out / "stages").glob("*.json")}
    records = {name: record for name, record in sorted(records.items()) if "seconds" in record}
    metrics = {name: record["metrics"] for name, record in records.items()}
    dice = {name: _case_scores(out, name) for name in (REAL, *(cell.name for cell in plan.cells))}
    rows = [_cell(cell, metrics) for cell in plan.cells]
    for cell, row in zip(plan.cells, rows, strict=True):
        row["difference_to_real"] = compare_arms(dice[cell.name], dice[REAL], seed=plan.grid.seed)
        row["relative_speed"] = _relative_speed(row, rows)
    items = {section: load_datalist(data, section) for section in ("training", "test")}
    return finite_json(
        {
            "grid": _grid(plan),
            "data": {
                "source": plan.source,
                "size": plan.size,
                **{section: len(found) for section, found in items.items()},
                **{f"{section}_patients": len({i.get("patient") for i in found}) for section, found in items.items()},
            },
            "real": _scores(REAL, metrics),
            "cells": rows,
            "families": {family: metrics[f"generator_{family}"] for family in plan.grid.families},
            "speed_reference": _reference(rows),
            "flat_from": {line: _flat_from(cells, dice, plan.grid.seed) for line, cells in _lines(plan.cells).items()},
            "ranking": ranking(rows),
            "notes": list(plan.notes),
            "timing_s": {name: record["seconds"] for name, record in records.items()},
            "peak_memory_mb": max(record["peak_memory_mb"] for record in records.values()),
            "versions": package_versions(),
            "machine": describe_machine(),
            "seed": plan.grid.seed,
        }
    )


def ranking(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Rank of each cell in realism and in utility, 1 for the best, and their correlation over cells; see the module."""
    kid = [row["quality"]["kid"]["value"] for row in rows]
    scores = {"dice": [row["dice"]["mean"]["mean"] for row in rows]}
    if rows and rows[0]["accuracy"]:
        scores["accuracy"] = [row["accuracy"]["mean"] for row in rows]
    ranks = {"kid": _ranks([-value for value in kid]), **{name: _ranks(found) for name, found in scores.items()}}
    found: dict[str, Any] = {
        "cells": {row["name"]: {name: rank[i] for name, rank in ranks.items()} for i, row in enumerate(rows)}
    }
    for name, values in scores.items():
        known = len(rows) > 2 and len(set(values)) > 1 and len(set(kid)) > 1
        rho, p = spearmanr([-value for value in kid], values) if known else (None, None)
        found[f"realism_and_{name}"] = {"spearman": rho and float(rho), "p": p and float(p), "cells": len(rows)}
    return found


def write_cells(rows: Sequence[Mapping[str, Any]], path: Path) -> None:
    """One line a cell with its main numbers, as CSV."""
    stream = io.StringIO()
    table = [_flat(row) for row in rows]
    writer = csv.DictWriter(stream, list(table[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(table)
    write_text(path, stream.getvalue())


def _cell(cell: Cell, metrics: Mapping[str, Any]) -> dict[str, Any]:
    made = metrics[f"synthetic_{cell.name}"]
    drawn = {"family": cell.family, "solver": cell.solver, "line": cell.line, "nfe": made["nfe"]}
    return {**_scores(cell.name, metrics), **drawn, "frames": made["count"], "throughput": made["throughput"]}


def _scores(name: str, metrics: Mapping[str, Any]) -> dict[str, Any]:
    """What the downstream networks and the metrics say of one row."""
    segmented, views = metrics[f"segmenter_{name}"], metrics.get(f"views_{name}")
    return {
        "name": name,
        "dice": {**segmented["dice"], "mean": segmented["mean_dice"]},
        "hd_mm": segmented["hd_mm"],
        "hd95_mm": segmented["hd95_mm"],
        "accuracy": views and views["accuracy"],
        "auroc": views and views["auroc"],
        "quality": metrics[f"quality_{name}"],
    }


def _case_scores(out: Path, name: str) -> dict[str, Any]:
    path = out / "cells" / name / "segmentation" / "summary.json"
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def _lines(cells: Sequence[Cell]) -> dict[str, list[Cell]]:
    """Cells by line, fewest calls first."""
    lines: dict[str, list[Cell]] = {}
    for cell in sorted(cells, key=lambda cell: cell.nfe):
        lines.setdefault(cell.line, []).append(cell)
    return lines


def _flat_from(cells: Sequence[Cell], dice: Mapping[str, Any], seed: int) -> int | None:
    """See the module; None where only the most calls are like themselves."""
    *others, last = cells
    flat = None
    for cell in reversed(others):
        low, high = compare_arms(dice[cell.name], dice[last.name], seed=seed)["mean"]["ci95"]
        if not low <= 0 <= high:
            break
        flat = cell.nfe
    return flat


def _relative_speed(row: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> float | None:
    same = [one for one in rows if one["family"] == _reference(rows) and one["nfe"] == row["nfe"]]
    same = [one for one in same if one["solver"] == row["solver"]] or same
    if not same:
        return None
    return round(row["throughput"]["end_to_end"] / same[0]["throughput"]["end_to_end"], 3)


def _reference(rows: Sequence[Mapping[str, Any]]) -> str | None:
    """The family that others are compared with in speed."""
    families = {row["family"] for row in rows}
    return next((family for family in _REFERENCES if family in families), None)


def _ranks(values: Sequence[float]) -> list[int]:
    return [1 + sum(other > value for other in values) for value in values]


def _grid(plan: StudyPlan) -> dict[str, Any]:
    grid = plan.grid
    lists = {"families": list(grid.families), "solvers": list(grid.solvers), "nfe": grid.nfe}
    return {**lists, "preset": str(grid.preset), "budget": grid.budget, "conditioned": plan.conditioned}


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    """Main numbers of a row by column."""
    flat = {key: row[key] for key in ("family", "solver", "nfe", "frames")}
    for name, score in row["dice"].items():
        flat |= {f"dice_{name}": score["mean"], **_bounds(f"dice_{name}", score)}
    for metric in ("hd_mm", "hd95_mm"):
        flat |= {f"{metric}_{name}": score["mean"] for name, score in row[metric].items()}
    accuracy = row["accuracy"] or {}
    flat |= {"accuracy": accuracy.get("mean"), **_bounds("accuracy", accuracy)}
    areas = [area["mean"] for area in (row["auroc"] or {}).values() if area]
    flat["auroc"] = sum(areas) / len(areas) if areas else None
    quality = row["quality"]
    flat |= {"kid": quality["kid"]["value"], "fid": quality["fid"]["value"]}
    flat |= {"adherence": quality["adherence"]["mean"]["value"]}
    flat |= {f"images_per_second_{name}": value for name, value in row["throughput"].items() if name != "images"}
    return {**flat, "relative_speed": row["relative_speed"]}


def _bounds(name: str, score: Mapping[str, Any]) -> dict[str, Any]:
    low, high = score.get("ci95") or (None, None)
    return {f"{name}_low": low, f"{name}_high": high}
