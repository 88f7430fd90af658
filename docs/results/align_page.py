"""The results page of an alignment study."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from markdown_table import score, table

__all__ = ["align_page"]

NAMES = {
    "real": "real frames",
    "before": "before",
    "full": "aligned",
    "mmd": "MMD instead of attention",
    "coral": "CORAL instead of attention",
    "mmd_only": "MMD, no critic",
    "coral_only": "CORAL, no critic",
    "histogram": "histogram matching",
    "fourier": "Fourier amplitudes (FDA)",
    "cycle": "CycleGAN",
    "both": "before and aligned together",
}


def align_page(summary: Mapping[str, Any], command: str) -> Iterator[str]:
    """Lines of the page."""
    yield f"# {summary['data']['synthetic']} aligned to {summary['data']['real']}, seed {summary['seed']}\n"
    yield f"```\n{command}\n```\n"
    yield "Gap to held-out real frames, smaller is closer; classifier: AUC with its 95 % interval, .5 cannot be told apart.\n"
    gaps = summary["gaps"]
    names = [name for name in gaps["before"]["gaps"] if name != "classifier"]
    yield from table(
        ["Set", *names, "classifier, AUC"],
        ([_name(cell), *_gaps(found["gaps"], names)] for cell, found in gaps.items()),
    )
    yield from _anatomy(summary)
    count = summary.get("segmenters", 1)
    several = f", of {count} segmenters with different seeds each (of real frames: one)" if count > 1 else ""
    yield f"Dice on held-out patients, mean and 95 % interval over patients{several}.\n"
    structures = list(summary["dice"]["real"])
    rows = summary["dice"].items()
    yield from table(
        ["Trained on", *structures], ([_name(cell), *(score(row[key]) for key in structures)] for cell, row in rows)
    )
    yield "Paired differences of Dice, mean and 95 % interval over patients.\n"
    pairs = ((*key.split("_minus_"), row) for key, row in summary["differences"].items())
    yield from table(
        ["", *structures],
        ([f"{_name(a)} − {_name(b)}", *(score(row[key], "+") for key in structures)] for a, b, row in pairs),
    )
    minutes = sum(summary["timing_s"].values()) / 60
    machine = ", ".join(f"{key} {value}" for key, value in summary["machine"].items())
    yield f"{minutes:.0f} min in all, {summary['peak_memory_mb'] / 1024:.2f} GiB at most; {machine}.\n"


def _anatomy(summary: Mapping[str, Any]) -> Iterator[str]:
    yield (
        "Anatomy as a segmenter of real frames sees it that no aligner has met: boundary shift (ASSD, mm: median; 95th "
        "percentile), Dice against masks; mean absolute change inside the sector of synthetic frames, and of real ones that "
        "took no part in training.\n"
    )
    structures = list(summary["anatomy"]["full"]["structures"])
    rows = []
    for cell, found in summary["anatomy"].items():
        shifts = (found["structures"][name]["shift_mm"] for name in structures)
        same = summary["aligners"].get(cell, {}).get("identity")
        cells = [f"{shift['median']:.2f}; {shift['p95']:.2f}" for shift in shifts]
        agreement = f"{found['dice_before']:.3f} → {found['dice_after']:.3f}"
        identity = f"{same['mean']:.3f}" if same else "–"
        rows.append([_name(cell), *cells, agreement, f"{found['change']['mean']:.3f}", identity])
    yield from table(["Set", *structures, "mask agreement", "change", "change of real frames"], rows)


def _gaps(gaps: Mapping[str, Any], names: list[str]) -> Iterator[str]:
    for name in names:
        value = gaps[name]["value"]
        yield "–" if value is None else f"{value:.3f}"
    found = gaps["classifier"]
    yield "–" if found["auc"] is None else score({"mean": found["auc"], "ci95": found["ci95"]})


def _name(cell: str) -> str:
    return NAMES.get(cell) or f"without {cell.removeprefix('no_').replace('_', ' ')}"
