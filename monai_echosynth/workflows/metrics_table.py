"""Metrics of a synthetic set as a table for the terminal, extractor and numbers of frames included."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from monai_echosynth.workflows.distribution_metrics import DISTRIBUTION_METRICS
from monai_echosynth.workflows.pair_metrics import PAIR_METRICS
from monai_echosynth.workflows.report.markup import number

__all__ = ["METRIC_TITLES", "PAIR_TITLES", "interval_text", "metrics_rows", "metrics_text"]

METRIC_TITLES: Final[Mapping[str, str]] = {
    "fid": "FID",
    "kid": "KID",
    "cmmd": "CMMD",
    "precision": "Precision",
    "recall": "Recall",
    "density": "Density",
    "coverage": "Coverage",
    "perceptual": "perceptual distance",
    "lpips": "LPIPS",
    "ssim": "SSIM",
    "ms_ssim": "MS-SSIM",
}
PAIR_TITLES: Final[Mapping[str, str]] = {
    "mask": "Same mask",
    "within_mask": "Within a mask",
    "input": "Input frame",
    "across": "Across patients",
}
HEADER: Final = ("", "Synthetic vs real", "Real vs real")


def metrics_rows(found: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Rows: what, of the synthetic set, and of real frames for reference.

    Args:
        found: content of ``metrics.json``.
    """
    floor = (found.get("floor") or {}).get("metrics", {})
    for name in DISTRIBUTION_METRICS:
        title = METRIC_TITLES[name]
        if name == "cmmd" and not found["distribution"][name]["published"]:
            title = "CMMD (own bandwidth)"
        yield title, interval_text(found["distribution"][name]), interval_text(floor.get(name))
    pairs = found["pairs"]
    for kind, (one, other) in {
        "mask": ("mask", ""),
        "within_mask": ("within_mask", ""),
        "input": ("input", ""),
        "across": ("synthetic", "real"),
    }.items():
        if kind == "input" and not pairs[one]["pairs"]:
            continue
        for name in PAIR_METRICS:
            if name == "lpips" and not found["lpips"]:
                continue
            title = f"{PAIR_TITLES[kind]}: {METRIC_TITLES[name]} (n = {pairs[one]['pairs']})"
            yield title, interval_text(pairs[one][name]), interval_text(pairs[other][name] if other else None)
    sides = ("synthetic", "real")
    if found["adherence"]:
        for name in found["adherence"]["synthetic"]:
            cells = [interval_text(found["adherence"][side][name]) for side in sides]
            yield f"Mask adherence, Dice: {name}", cells[0], cells[1]
    if found["clip_score"]:
        cells = [interval_text(found["clip_score"][side], 2) for side in sides]
        yield "CLIP score", cells[0], cells[1]


def metrics_text(found: Mapping[str, Any]) -> str:
    """The table in columns, under what it was measured with."""
    rows = [HEADER, *metrics_rows(found)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADER))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    network, counts = found["extractor"], [found[side]["frames"] for side in ("real", "synthetic")]
    head = [
        f"extractor {network['name']}, {network['features']} features, sha256 {network['sha256'][:16]}",
        f"n = {counts[0]} real and {counts[1]} synthetic frames of {found['size']} x {found['size']} pixels",
    ]
    if found["lpips"]:
        head.append(f"LPIPS by {found['lpips']['name']}, sha256 {found['lpips']['sha256'][:16]}")
    if found["clip_score"]:
        model = found["clip_score"]["model"]
        head.append(f"CLIP score by {model['name']}, sha256 {model['sha256'][:16]}")
    return "\n".join([*head, *lines, *(f"note: {note}" for note in found["notes"])])


def interval_text(score: Mapping[str, Any] | None, digits: int = 3) -> str:
    """``value [low, high]``, the value alone where there is no interval, nothing where there is no score."""
    if not score:
        return ""
    bounds = score.get("ci95")
    text = number(score["value"], digits)
    if not bounds or None in bounds:
        return text
    return f"{text} [{number(bounds[0], digits)}, {number(bounds[1], digits)}]"
