"""The gap as a table, for the terminal and the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from monai_echosynth.workflows.gap import GAPS
from monai_echosynth.workflows.report.markup import number

__all__ = ["TITLES", "GapRow", "gap_rows", "gap_text"]

TITLES: Final[Mapping[str, str]] = {
    "spectrum": "Power spectrum, dB",
    "speckle": "Speckle statistics",
    "grain": "Grain size",
    "gradient": "Gradients, gray levels / mm",
    "sharpness": "Border sharpness",
    "kid": "Kernel distance",
    "classifier": "Classifier, |AUC − 0.5|",
}


class GapRow(NamedTuple):
    """One measure as text: its name, the gap, the floor, and what was compared in each set."""

    title: str
    gap: str
    floor: str
    real: str
    synthetic: str


def gap_rows(found: Mapping[str, Any]) -> list[GapRow]:
    """Rows of the table.

    Args:
        found: content of ``gap.json``.
    """
    floor = (found.get("floor") or {}).get("gaps", {})
    rows = []
    for name in GAPS:
        gap, other = found["gaps"][name], floor.get(name, {})
        real, synthetic = _sides(name, gap)
        rows.append(GapRow(TITLES[name], _value(name, gap), _value(name, other), real, synthetic))
    return rows


def gap_text(found: Mapping[str, Any]) -> str:
    """The table in columns, with the remarks below it."""
    rows = [GapRow("", "Gap", "Real vs real", "Real", "Synthetic"), *gap_rows(found)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(GapRow._fields))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([*lines, *(f"note: {note}" for note in found["notes"])])


def _value(name: str, gap: Mapping[str, Any]) -> str:
    text = number(gap.get("value"))
    if name == "kid" and gap.get("sd") is not None:
        return f"{text} ± {number(gap['sd'])}"
    if name == "classifier" and gap.get("ci95"):
        return f"{text} (AUC {number(gap['auc'])} [{number(gap['ci95'][0])}, {number(gap['ci95'][1])}])"
    return text


def _sides(name: str, gap: Mapping[str, Any]) -> Sequence[str]:
    """What stands behind the number in the real and in the synthetic set."""

    def shown(side: str) -> str:
        if name == "spectrum":
            return f"slope {number(gap['slope'][side], 2)}"
        if name == "speckle":
            laws = gap["structures"].values()
            return f"m {_average(laws, 'nakagami_m', side)}, SNR {_average(laws, 'snr', side)}"
        if name == "grain":
            return f"{number(gap['mm']['lateral'][side], 2)} × {number(gap['mm']['axial'][side], 2)} mm"
        if name == "gradient":
            return f"median {number(gap['quartiles'][side][1], 1)}"
        if name == "sharpness":
            values = [{"mean": pair} for pair in gap["gray_levels_per_mm"].values()]
            return f"{_average(values, 'mean', side)} gray levels / mm"
        return ""

    return shown("real"), shown("synthetic")


def _average(laws: Any, key: str, side: str) -> str:
    """Mean over the structures that both sets show."""
    pairs = [law[key] for law in laws]
    known = [pair[side] for pair in pairs if None not in pair.values()]
    return number(np.mean(known), 2) if known else number(None)
