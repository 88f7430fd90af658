"""Machine styles: what the same heart looks like on different scanners.

In the median style the gray levels inside the sector follow about a Gamma law of concentration 3.75 and rate 10.8 (mean
0.35, standard deviation 0.18 of full scale), as apical recordings do.
"""

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
        assumed_attenuation: uniform attenuation that the time-gain compensation assumes, in dB / (cm MHz).
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
    assumed_attenuation: float = 0.33


STYLES: dict[StyleName, MachineStyle] = {
    StyleName.MEDIAN: MachineStyle(
        opening=75.0,
        frequency=1.7,
        pulse=0.42,
        angular=0.0105,
        defocus=2.0,
        focus=80.0,
        dynamic_range=49.0,
        gamma=1.35,
        mean_gray=0.345,
        smoothing=(0.9, 1.3),
        noise=-60.0,
        haze=-31.0,
        specular=0.5,
    ),
    StyleName.CRISP: MachineStyle(
        opening=75.0,
        frequency=2.4,
        pulse=0.3,
        angular=0.008,
        defocus=1.6,
        focus=90.0,
        dynamic_range=46.0,
        gamma=1.35,
        mean_gray=0.32,
        smoothing=(0.7, 0.9),
        noise=-72.0,
        haze=-35.0,
        specular=0.8,
    ),
    StyleName.HAZY: MachineStyle(
        opening=80.0,
        frequency=1.6,
        pulse=0.5,
        angular=0.0125,
        defocus=2.4,
        focus=75.0,
        dynamic_range=52.0,
        gamma=1.25,
        mean_gray=0.38,
        smoothing=(1.1, 1.6),
        noise=-54.0,
        haze=-27.0,
        specular=0.3,
    ),
    StyleName.PORTABLE: MachineStyle(
        opening=90.0,
        frequency=2.0,
        pulse=0.6,
        angular=0.015,
        defocus=2.8,
        focus=70.0,
        dynamic_range=44.0,
        gamma=1.35,
        mean_gray=0.34,
        smoothing=(0.6, 1.0),
        noise=-58.0,
        haze=-30.0,
        specular=0.4,
    ),
}
