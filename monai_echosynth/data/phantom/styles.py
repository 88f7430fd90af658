"""Machine styles: what the same heart looks like on different scanners."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["STYLES", "MachineStyle", "StyleName"]


class StyleName(StrEnum):
    """Name of a built-in `MachineStyle`."""

    MEDIAN = "median"
    CRISP = "crisp"
    HAZY = "hazy"
    PORTABLE = "portable"


@dataclass(frozen=True)
class MachineStyle:
    """Scanner and preset.

    Attributes:
        opening: sector opening in degrees.
        frequency: receive frequency in MHz.
        pulse: standard deviation of the pulse in mm.
        angular: diffraction-limited beam width (standard deviation) in radians.
        defocus: extra beam width at the probe in mm.
        focus: focal range in mm.
        dynamic_range: displayed range in dB.
        gamma: exponent of the gray map; above 1 darkens the mid-tones.
        mean_gray: mean gray level the gain is set for.
        smoothing: compounding (beams, samples) as standard deviations.
        noise: thermal noise in dB relative to the pericardium's echo, before TGC.
        haze: clutter level in dB relative to the pericardium.
        specular: strength of interface echoes.
    """

    opening: float
    frequency: float
    pulse: float
    angular: float
    defocus: float
    focus: float
    dynamic_range: float
    gamma: float
    mean_gray: float
    smoothing: tuple[float, float]
    noise: float
    haze: float
    specular: float


STYLES: dict[StyleName, MachineStyle] = {
    StyleName.MEDIAN: MachineStyle(
        75.0, 1.7, 0.42, 0.0105, 2.0, 80.0, 58.0, 1.0, 0.35, (0.8, 1.0), -60.0, -30.0, 0.5
    ),
    StyleName.CRISP: MachineStyle(
        75.0, 2.4, 0.30, 0.0080, 1.6, 90.0, 52.0, 1.05, 0.32, (0.6, 0.7), -72.0, -36.0, 0.8
    ),
    StyleName.HAZY: MachineStyle(
        80.0, 1.6, 0.50, 0.0125, 2.4, 75.0, 66.0, 0.95, 0.40, (1.0, 1.2), -54.0, -24.0, 0.3
    ),
    StyleName.PORTABLE: MachineStyle(
        90.0, 2.0, 0.60, 0.0150, 2.8, 70.0, 50.0, 1.15, 0.34, (0.5, 0.8), -58.0, -28.0, 0.4
    ),
}
