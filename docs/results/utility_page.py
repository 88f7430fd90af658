"""The results page of a utility study."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from markdown_table import score, table

__all__ = ["utility_page"]


def utility_page(summary: Mapping[str, Any], command: str) -> Iterator[str]:
    """Lines of the page."""
    data, budget, rows = summary["data"], summary["budget"], summary["utility"]
    yield f"# What synthetic frames add to {data['source']}, seed {summary['seed']}\n"
    yield f"```\n{command}\n```\n"
    yield (
        f"{data['test']} frames of {data['test_patients']} patients, who took no part in any training, test. Every segmenter has "
        f"{budget['iterations']} steps of {budget['batch_size']} frames, whatever it is trained on. Share: synthetic frames "
        f"among all that it sees, repeats included (mixing: {summary['settings']['mixing']}).\n"
    )
    structures = list(next(iter(rows.values()))["dice"])
    yield "Dice, mean and 95 % interval over patients; HD95 in mm, mean over the labels.\n"
    yield from table(
        ["Trained on", "Real", "Synthetic", "Share", *structures, "HD95"],
        (_row(row, structures) for row in rows.values()),
    )
    yield "Paired differences of Dice, mean and 95 % interval over patients.\n"
    pairs = ((*key.split("_minus_"), found["dice"]) for key, found in summary["paired_difference"].items())
    yield from table(
        ["", *structures],
        (
            [f"{_name(rows[a])} − {_name(rows[b])}", *(score(found[k], "+") for k in structures)]
            for a, b, found in pairs
        ),
    )
    yield from _sets(summary)
    minutes = sum(summary["timing_s"].values()) / 60
    machine = ", ".join(f"{key} {value}" for key, value in summary["machine"].items())
    yield f"{minutes:.0f} min in all, {summary['peak_memory_mb'] / 1024:.2f} GiB at most; {machine}.\n"


def _row(row: Mapping[str, Any], structures: list[str]) -> list[str]:
    labels = [value["mean"] for name, value in row["hd95_mm"].items() if name != "lv_epi"]
    distance = "–" if None in labels else f"{sum(labels) / len(labels):.2f}"
    counts = [str(row["real_frames"]), str(row["synthetic_frames"]), f"{row['share_of_synthetic']:.2f}"]
    return [_name(row), *counts, *(score(row["dice"][key]) for key in structures), distance]


def _name(row: Mapping[str, Any]) -> str:
    of = f"all {row['patients']}" if row["all_patients"] else f"{row['patients']}"
    ratio = (
        f", {row['nfe']} calls an image"
        if row["ratio"] is None
        else f", ratio {row['ratio']:g}"
        if row["ratio"]
        else ""
    )
    return f"{row['title'][:1].lower()}{row['title'][1:]}, {of} patients{ratio}"


def _sets(summary: Mapping[str, Any]) -> Iterator[str]:
    yield (
        "Synthetic sets: adherence (Dice of the segmenter of all real frames against the masks), KID (in its features, ± "
        "standard deviation over halves), frames that resemble one of their training frames more than held-out patients do.\n"
    )
    rows = []
    for name, made in summary["sets"].items():
        kid = "–" if made["kid"] is None else f"{made['kid']:.3f} ± {made['kid_sd']:.3f}"
        copies = f"{made['copies']['flagged']} of {made['frames']}"
        rows.append(
            [name.replace("_", " "), str(made["count"]), str(made["nfe"]), score(made["adherence"]), kid, copies]
        )
    yield from table(["Set", "Images", "Calls an image", "Adherence", "KID", "Copies"], rows)
