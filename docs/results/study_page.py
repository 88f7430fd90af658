"""The results page of a comparison of generators."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from markdown_table import score, table

__all__ = ["study_page"]


def study_page(summary: Mapping[str, Any], command: str) -> Iterator[str]:
    """Lines of the page."""
    data, grid, real = summary["data"], summary["grid"], summary["real"]
    yield f"# Generators compared on {data['source']}, preset {grid['preset']}, seed {summary['seed']}\n"
    yield f"```\n{command}\n```\n"
    yield (
        f"{data['training']} frames of {data['training_patients']} patients train the generators, {data['test']} frames of "
        f"{data['test_patients']} other patients test. {summary['cells'][0]['frames']} frames a set.\n"
    )
    structures = list(real["dice"])
    rows = [("real frames", real), *((_name(row), row) for row in summary["cells"])]
    yield "Dice of segmenters of each set on real test patients, mean and 95 % interval over patients.\n"
    yield from table(
        ["Set", *structures, "mean minus real"],
        ([name, *(score(row["dice"][key]) for key in structures), _difference(row)] for name, row in rows),
    )
    first = structures[0]
    yield f"Distances of {first} in mm, view classification, realism, and Dice against the masks that guided.\n"
    yield from table(
        ["Set", "HD", "HD95", "accuracy", "AUROC", "KID", "FID", "adherence"],
        ([name, *_further(row, first)] for name, row in rows),
    )
    yield f"Images a second; relative: end to end, over {summary['speed_reference']} with the same number of calls.\n"
    parts = ("end_to_end", "sampling", "decoding", "writing")
    yield from table(
        ["Set", *(part.replace("_", " ") for part in parts), "relative"],
        (
            [name, *(_number(row["throughput"][part], 2) for part in parts), _number(row["relative_speed"], 2)]
            for name, row in rows[1:]
        ),
    )
    yield from _findings(summary)
    minutes = sum(summary["timing_s"].values()) / 60
    machine = ", ".join(f"{key} {value}" for key, value in summary["machine"].items())
    yield f"{minutes:.0f} min of all stages, {summary['peak_memory_mb'] / 1024:.2f} GiB at most; {machine}.\n"


def _findings(summary: Mapping[str, Any]) -> Iterator[str]:
    yield "Fewest calls from which on Dice does not differ from that at the most calls (interval of the paired difference).\n"
    lines = summary["flat_from"].items()
    yield from table(["Family and solver", "flat from"], ([line, "–" if n is None else str(n)] for line, n in lines))
    for key, name in (("realism_and_dice", "Dice"), ("realism_and_accuracy", "accuracy of views")):
        found = summary["ranking"].get(key)
        if found:
            rho, p = _number(found["spearman"], 2), _number(found["p"], 3)
            yield f"Rank correlation of realism (KID) and {name} over {found['cells']} cells: {rho}, p = {p}.\n"


def _further(row: Mapping[str, Any], structure: str) -> Iterator[str]:
    for metric in ("hd_mm", "hd95_mm"):
        yield _number(row[metric][structure]["mean"], 2)
    yield score(row["accuracy"]) if row["accuracy"] else "–"
    areas = [area["mean"] for area in (row["auroc"] or {}).values() if area]
    yield _number(sum(areas) / len(areas) if areas else None)
    for name in ("kid", "fid"):
        yield _number(row["quality"][name]["value"])
    yield _number(row["quality"]["adherence"]["mean"]["value"])


def _difference(row: Mapping[str, Any]) -> str:
    return score(row["difference_to_real"]["mean"], "+") if "difference_to_real" in row else "–"


def _name(row: Mapping[str, Any]) -> str:
    return row["family"] if row["solver"] is None else f"{row['family']}, {row['solver']}, {row['nfe']} calls"


def _number(value: float | None, digits: int = 3) -> str:
    return "–" if value is None else f"{value:.{digits}f}"
