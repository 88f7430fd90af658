"""The results page of an adaptation study."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from markdown_table import score, table

__all__ = ["tee_page"]

ARMS = {
    "real": "real",
    "affine": "real, strong affine",
    "synthetic": "synthetic",
    "mixed": "real + synthetic",
    "aligned": "real + aligned synthetic",
}


def tee_page(summary: Mapping[str, Any], command: str) -> Iterator[str]:
    """Lines of the page."""
    data = summary["data"]
    structures = list(summary["dice"]["reference"])
    yield f"# Adaptation to {data['source']}, seed {summary['seed']}\n"
    yield f"```\n{command}\n```\n"
    yield f"{data['test']} frames of {data['test_patients']} patients, who took no part in any training, test.\n"
    yield "Dice, mean and 95 % interval over patients.\n"
    rows = summary["dice"].items()
    yield from table(
        ["Trained on", *structures], ([_arm(name), *(score(row[key]) for key in structures)] for name, row in rows)
    )
    yield "Paired differences of Dice, mean and 95 % interval over patients.\n"
    pairs = ((*key.split("_minus_"), row) for key, row in summary["paired_difference"].items())
    yield from table(
        ["", *structures],
        ([f"{_arm(a)} − {_arm(b)}", *(score(row[key], "+") for key in structures)] for a, b, row in pairs),
    )
    yield (
        "Adaptations: trained parameters; adherence (Dice of the segmenter of all real frames against the masks) and KID (in its "
        "features, ± standard deviation over halves) of frames from the masks of target frames, and from sampled ones.\n"
    )
    yield from table(
        ["Adaptation", "Frames", "Parameters", "Adherence", "KID", "Adherence, sampled masks", "KID, sampled masks"],
        (line for row in summary["adaptations"].values() for line in _adaptation(row)),
    )
    minutes = sum(summary["timing_s"].values()) / 60
    machine = ", ".join(f"{key} {value}" for key, value in summary["machine"].items())
    yield f"{minutes:.0f} min in all, {summary['peak_memory_mb'] / 1024:.2f} GiB at most; {machine}.\n"


def _arm(name: str) -> str:
    if name == "reference":
        return "all real frames"
    arm, _, cell = name.partition("_")
    count, _, adaptation = cell.partition("_")
    return f"{ARMS[arm]}, {count} frames" + (f", {adaptation}" if adaptation else "")


def _adaptation(row: Mapping[str, Any]) -> Iterator[list[str]]:
    name = f"{row['name']} (rank {row['rank']})" if row["method"] == "lora" else str(row["name"])
    fixed = [str(row["frames"]), f"{row['params']:,}"]
    yield [name, *fixed, *_sets(row)]
    if "aligned" in row:
        yield [f"{name}, aligned", *fixed, *_sets(row["aligned"])]


def _sets(row: Mapping[str, Any]) -> Iterator[str]:
    for key in ("masks_of_frames", "masks_of_shape_model"):
        made = row[key]
        yield from (f"{made['adherence']['mean']:.3f}", f"{made['kid']:.3f} ± {made['kid_sd']:.3f}")
