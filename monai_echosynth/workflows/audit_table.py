"""The result of an audit as rows: for the terminal and the page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from monai_echosynth.workflows.metrics_table import interval_text
from monai_echosynth.workflows.report.markup import number

__all__ = ["audit_rows", "audit_text"]


def audit_rows(found: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Question, answer, and what the answer would be if nothing was remembered.

    Args:
        found: content of ``audit.json``.
    """
    copies, frames = found["copies"], found["sets"]["synthetic"]["frames"]
    alarms = copies["false_alarms"]
    rows = [
        (
            "Frames flagged as copies",
            f"{copies['flagged']} of {frames} ({_percent(copies['share'])})",
            _expected(alarms),
        ),
        (
            "Correlation of textures with the nearest training frame, median",
            number(copies["median"]["correlation"]["synthetic"]),
            number(copies["median"]["correlation"]["held_out"]),
        ),
        (
            "SSIM of textures, median",
            number(copies["median"]["ssim"]["synthetic"]),
            number(copies["median"]["ssim"]["held_out"]),
        ),
        (
            "Nearer in features than 95 % of held-out frames",
            _percent(copies["near_in_features"]),
            "5 %, more for training masks",
        ),
        (
            "Nearer to training than to held-out frames",
            interval_text(found["nearness"]),
            "0.500, more for training masks",
        ),
    ]
    attack = found["membership"]
    if attack:
        rows += [
            ("Membership by denoising loss, AUC", interval_text(attack["auc"]), "0.500"),
            (
                f"Members found at {_percent(attack['fpr'])} false alarms",
                interval_text(attack["tpr"]),
                number(attack["fpr"]),
            ),
        ]
    return rows


def audit_text(found: Mapping[str, Any]) -> str:
    """The table in columns, under what was compared, with the flagged frames and remarks below it."""
    rows = [("", "Synthetic", "Control"), *audit_rows(found)]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    counts = [f"{part['frames']} {name.replace('_', '-')}" for name, part in found["sets"].items()]
    head = [
        f"n = {', '.join(counts)} frames of {found['size']} x {found['size']} pixels",
        f"extractor {found['extractor']['name']}, sha256 {found['extractor']['sha256'][:16]}",
    ]
    listed = [f"copy? {row['id']} of {row['nearest']}: {_change(row)}" for row in found["copies"]["frames"][:20]]
    more = len(found["copies"]["frames"]) - len(listed)
    listed += [f"and {more} more, all in audit.json"] if more else []
    return "\n".join([*head, *lines, *listed, *(f"note: {note}" for note in found["notes"])])


def _change(row: Mapping[str, Any]) -> str:
    """How near a flagged frame is, and what had to be undone."""
    parts = [f"correlation {number(row['correlation'])}"]
    parts += ["mirrored"] if row["mirrored"] else []
    parts += [f"shifted by {row['shift'][0]}, {row['shift'][1]} px"] if any(row["shift"]) else []
    parts += [f"rotated by {row['degrees']:g} degrees"] if row["degrees"] else []
    parts += [f"scaled by {row['scale']:g}"] if row["scale"] != 1 else []
    return ", ".join(parts)


def _expected(alarms: Mapping[str, float] | None) -> str:
    if not alarms:
        return "–"
    return f"{_percent(alarms['frames'])} of held-out frames, {_percent(alarms['patients'])} of patients"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
