"""One color for one thing on the whole page: an arm, a structure, the prior, ink.

Arms use the color-blind-safe palette of Okabe and Ito. Figures are drawn with the light values; `svg.py` swaps each of
them for the style sheet's variable of the same role, so that one drawing serves light and dark pages.

References:
    Okabe and Ito, "Color Universal Design", 2008, https://jfly.uni-koeln.de/color/
"""

from __future__ import annotations

from typing import Final

from monai_echosynth.data.builtin_labels import SEMANTIC_LABELS

__all__ = ["ARMS", "ARM_COLORS", "ARM_NAMES", "OUTLINES", "STRUCTURES", "STRUCTURE_NAMES", "VARIABLES"]

ARMS: Final = ("real", "synthetic", "mixed")
"""Training sets of the segmenters, in reading order."""

ARM_NAMES: Final = {"real": "Real", "synthetic": "Synthetic", "mixed": "Real + synthetic"}

INK: Final = "#1c2733"
MUTED: Final = "#5d6b7a"
GRID: Final = "#dde3ea"
PRIOR: Final = "#8a4fbf"
ARM_COLORS: Final = {"real": "#0072b2", "synthetic": "#d55e00", "mixed": "#00916a"}

STRUCTURES: Final = ("lv_endo", "myo", "lv_epi", "la")
"""Structures reported, in reading order."""

STRUCTURE_NAMES: Final = {
    "lv_endo": "LV cavity",
    "myo": "Myocardium",
    "lv_epi": "LV epicardium",
    "la": "Left atrium",
    "mean": "Mean",
}

_LABEL_COLORS: Final = {entry.name: "#{:02x}{:02x}{:02x}".format(*entry.color) for entry in SEMANTIC_LABELS.entries}

OUTLINES: Final = (
    ("lv_epi", (1, 2), _LABEL_COLORS["myo"]),
    ("la", (3,), _LABEL_COLORS["la"]),
    ("lv_endo", (1,), _LABEL_COLORS["lv_endo"]),
)
"""Contours drawn on frames: structure, the semantic ids it joins, color on black."""

VARIABLES: Final = {
    INK: "--ink",
    MUTED: "--muted",
    GRID: "--grid",
    PRIOR: "--prior",
    **{color: f"--{arm}" for arm, color in ARM_COLORS.items()},
}
"""Drawing color -> style sheet variable."""
