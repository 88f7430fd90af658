"""The page of a gap: table, what is behind each number, and its figures; drawn from the content of ``gap.json`` alone."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from monai_echosynth.metrics.grain import DETREND_PX
from monai_echosynth.metrics.sharpness import REACH_MM, WINDOW_MM
from monai_echosynth.metrics.speckle_law import DYNAMIC_RANGE_DB
from monai_echosynth.workflows.gap_figures import draw_gradients, draw_ratios, draw_scores, draw_spectra
from monai_echosynth.workflows.gap_table import gap_rows
from monai_echosynth.workflows.report.cards import duration
from monai_echosynth.workflows.report.markup import Section, note, number, paragraph, table
from monai_echosynth.workflows.report.page import render_page

__all__ = ["gap_page"]

_HEADER = ("Measure", "Gap", "Real vs real", "Real", "Synthetic")

_READING = (
    "Smaller is closer. The column real vs real is the same measure between two sections of the real folder, which two sets of "
    "patients of one hospital reach without any synthesis. Gaps of speckle, grain and sharpness are mean absolute log ratios of "
    "medians over frames: 0.1 is a difference of about 10 %."
)
_LAW = (
    f"Envelope statistics undo log compression with an assumed range of {DYNAMIC_RANGE_DB:g} dB (fully developed speckle: m 1, "
    "SNR 1.91). The Gamma law is that of the gray levels. Medians over frames; real, then synthetic."
)
_BORDERS = (
    f"Steepest mean slope of the gray level across the border, in a window of ±{WINDOW_MM:g} mm within ±{REACH_MM:g} mm of it, "
    f"in gray levels / mm. Grain is the width of the autocovariance in mm after a local mean of {DETREND_PX:g} px is taken off."
)


def gap_page(found: Mapping[str, Any]) -> str:
    """The page.

    Args:
        found: content of ``gap.json``.
    """
    real, synthetic = found["real"], found["synthetic"]
    sections = [
        _summary(found),
        Section("texture", "Texture", draw_ratios(found) + _speckle(found) + _sharpness(found)),
        Section("spectrum", "Power spectrum", draw_spectra(found)),
        Section("gradients", "Gradients", draw_gradients(found)),
        Section("classifier", "Real or synthetic", _classifier(found)),
        Section("settings", "What was compared", _settings(found)),
    ]
    lead = (
        f'<p class="lead">{synthetic["frames"]} synthetic frames against {real["frames"]} real ones of {real["patients"]} '
        f"patients, in seven measures.</p>"
    )
    kicker = f"monai-echosynth · {found['size']} × {found['size']} pixels · seed {found['seed']}"
    return render_page(
        "Gap between real and synthetic frames", kicker, lead, sections, "Research only, not for diagnosis."
    )


def _summary(found: Mapping[str, Any]) -> Section:
    notes = "".join(note(text) for text in found["notes"])
    return Section("gap", "Seven measures", table("Gap", _HEADER, gap_rows(found)) + paragraph(_READING) + notes)


def _speckle(found: Mapping[str, Any]) -> str:
    names = {"nakagami_m": "Nakagami m", "snr": "SNR", "concentration": "Gamma concentration", "rate": "Gamma rate"}
    laws = found["gaps"]["speckle"]["structures"]
    rows = [(structure, *(_both(law[key]) for key in names)) for structure, law in laws.items()]
    return table("Speckle by structure", ("Structure", *names.values()), rows) + paragraph(_LAW, "small")


def _sharpness(found: Mapping[str, Any]) -> str:
    pairs = found["gaps"]["sharpness"]["gray_levels_per_mm"]
    rows = [
        (name.replace("|", " – "), number(pair["real"], 2), number(pair["synthetic"], 2))
        for name, pair in pairs.items()
    ]
    body = table("Sharpness by border", ("Border", "Real", "Synthetic"), rows) if rows else note("No border is shown.")
    return body + paragraph(_BORDERS, "small")


def _classifier(found: Mapping[str, Any]) -> str:
    gap = found["gaps"]["classifier"]
    if gap["auc"] is None:
        return note("No classifier was trained.")
    low, high = gap["ci95"]
    return draw_scores(found) + paragraph(
        f"A small network that is trained on half of the patients tells the frames of the other half apart with an AUC of "
        f"{number(gap['auc'])} [{number(low)}, {number(high)}]; 0.5 is chance. Brackets are the 95 % interval over patients."
    )


def _settings(found: Mapping[str, Any]) -> str:
    floor = (found.get("floor") or {}).get("synthetic")
    sets = [("Real", found["real"]), ("Synthetic", found["synthetic"]), *([("Real vs real", floor)] if floor else [])]
    rows = [
        (name, str(part["folder"]), str(part["section"]), str(part["frames"]), str(part["patients"]))
        for name, part in sets
    ]
    times = [(escape(part), duration(seconds)) for part, seconds in found.get("seconds", {}).items()]
    body = table("Sets", ("Set", "Folder", "Section", "Frames", "Patients"), rows)
    return body + (table("Time", ("Part", "Time"), times) if times else "")


def _both(pair: Mapping[str, Any]) -> str:
    return f"{number(pair['real'], 2)}; {number(pair['synthetic'], 2)}"
