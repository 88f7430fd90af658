"""The figures of the utility study: Dice over the number of real patients and over the ratio, a line an arm; equal compute."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import cycle
from typing import Any

from monai_echosynth.workflows.report.interval import Interval, as_interval
from monai_echosynth.workflows.report.learning_curve import learning_curves
from monai_echosynth.workflows.report.palette import ARM_COLORS, INK, MUTED, PRIOR

__all__ = ["compute_figure", "patients_figure", "ratio_figure"]

Rows = Mapping[str, Mapping[str, Any]]
Lines = dict[str, list[tuple[float, Interval]]]

_COLORS = {
    "real": ARM_COLORS["real"],
    "affine": MUTED,
    "synthseg": "#e69f00",
    "gan": ARM_COLORS["synthetic"],
    "diffusion": ARM_COLORS["mixed"],
    "adapted": PRIOR,
}
"""The main line of each arm; further ones take what is left of Okabe and Ito's colors."""
_SPARE = ("#56b4e9", "#cc79a7", INK, "#b8a800")


def patients_figure(rows: Rows) -> str:
    """Dice over the number of real patients at the largest ratio, a panel a structure; empty with a single number."""
    mixed = [row for row in rows.values() if row["ratio"]]
    most = max((row["ratio"] for row in mixed), default=0)
    chosen = [row for row in rows.values() if row["ratio"] in (0, most) and _asked(row, mixed)]
    if len({row["patients"] for row in chosen}) < 2:
        return ""
    panels: dict[str, Lines] = {}
    for structure in chosen[0]["dice"]:
        panels[structure] = _lines(chosen, "patients", structure)
    caption = (
        f"Synthetic frames at {most:g} times the number of real ones. Bands are 95 % intervals over test patients."
    )
    return learning_curves(panels, _titles(chosen), caption, "Real patients", _colors(chosen), name="patients")


def ratio_figure(rows: Rows) -> str:
    """Mean Dice over the ratio, a panel a number of patients; ratio 0 is the same network without synthetic frames."""
    mixed = [row for row in rows.values() if row["ratio"]]
    if len({row["ratio"] for row in mixed}) < 2:
        return ""
    panels: dict[str, Lines] = {}
    for count in sorted({row["patients"] for row in mixed}):
        here = [row for row in mixed if row["patients"] == count]
        lines = _lines(here, "ratio", "mean")
        for row in here:
            start = "affine" if row["augmentation"] == "strong" else "real"
            plain = next(r for r in rows.values() if r["arm"] == start and r["patients"] == count and r["ratio"] == 0)
            found = as_interval(plain["dice"]["mean"])
            if found and lines[row["line"]][0][0] != 0:
                lines[row["line"]].insert(0, (0.0, found))
        panels[f"{count} patients"] = lines
    caption = "Mean Dice over the labels. Ratio 0: the same network, budget and augmentation without synthetic frames."
    options: dict[str, Any] = {"linear": True, "name": "ratio"}
    return learning_curves(panels, _titles(mixed), caption, "Synthetic over real frames", _colors(mixed), **options)


def compute_figure(rows: Rows) -> str:
    """Mean Dice over the network calls per image, all sets at equal compute; empty where that was not compared."""
    chosen = [row for row in rows.values() if row["ratio"] is None]
    if len({row["nfe"] for row in chosen}) < 2:
        return ""
    panels = {"Mean Dice": _lines(chosen, "nfe", "mean")}
    caption = "Every set costs the same number of network calls: on the left many images, on the right few."
    alone = {row["line"]: "Synthetic frames alone" if not row["real_frames"] else row["title"] for row in chosen}
    return learning_curves(panels, alone, caption, "Network calls per image", _colors(chosen), name="compute")


def _asked(row: Mapping[str, Any], mixed: list[Mapping[str, Any]]) -> bool:
    """Whether a number of patients has arms with synthetic frames; the reference alone would be a lonely point."""
    return any(row["patients"] == other["patients"] for other in mixed)


def _lines(rows: list[Mapping[str, Any]], quantity: str, structure: str) -> Lines:
    lines: Lines = {}
    for row in rows:
        found = as_interval(row["dice"][structure])
        if found:
            lines.setdefault(row["line"], []).append((float(row[quantity]), found))
    return {line: sorted(points, key=lambda point: point[0]) for line, points in lines.items()}


def _titles(rows: list[Mapping[str, Any]]) -> dict[str, str]:
    return {row["line"]: row["title"] for row in rows}


def _colors(rows: list[Mapping[str, Any]]) -> dict[str, str]:
    spare, found = cycle(_SPARE), dict[str, str]()
    for row in rows:
        if row["line"] not in found:
            known = _COLORS[row["arm"]]
            found[row["line"]] = known if known not in found.values() else next(spare)
    return found
