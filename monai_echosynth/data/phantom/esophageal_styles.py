"""Machine styles of transesophageal probes: higher frequency, wider sector, darker blood than on the chest wall.

The small aperture (about 10 mm) keeps the beam as wide in angle as that of a chest probe in spite of the higher frequency.
"""

from __future__ import annotations

from enum import StrEnum

from monai_echosynth.data.phantom.styles import MachineStyle

__all__ = ["ESOPHAGEAL_LEVELS", "ESOPHAGEAL_STYLES", "EsophagealStyleName"]

ESOPHAGEAL_LEVELS = (-25.0, -44.0, -17.0, -15.0, -18.0, -8.0, -12.0, -8.0, -17.0)
"""Mean backscatter in dB per `Tissue` code, seen without chest wall in between."""


class EsophagealStyleName(StrEnum):
    """Name of a built-in style."""

    MULTIPLANE = "multiplane"
    HARMONIC = "harmonic"
    MATRIX = "matrix"
    LEGACY = "legacy"


ESOPHAGEAL_STYLES: dict[EsophagealStyleName, MachineStyle] = {
    EsophagealStyleName.MULTIPLANE: MachineStyle(
        opening=90.0,
        frequency=4.5,
        pulse=0.28,
        angular=0.0095,
        defocus=1.2,
        focus=65.0,
        dynamic_range=48.0,
        gamma=1.3,
        mean_gray=0.25,
        smoothing=(0.8, 0.9),
        noise=-76.0,
        haze=-46.0,
        specular=0.7,
        assumed_attenuation=0.24,
    ),
    EsophagealStyleName.HARMONIC: MachineStyle(
        opening=90.0,
        frequency=5.0,
        pulse=0.24,
        angular=0.008,
        defocus=1.0,
        focus=70.0,
        dynamic_range=44.0,
        gamma=1.35,
        mean_gray=0.23,
        smoothing=(0.6, 0.7),
        noise=-80.0,
        haze=-48.0,
        specular=0.9,
        assumed_attenuation=0.24,
    ),
    EsophagealStyleName.MATRIX: MachineStyle(
        opening=85.0,
        frequency=3.6,
        pulse=0.36,
        angular=0.0125,
        defocus=1.5,
        focus=60.0,
        dynamic_range=51.0,
        gamma=1.25,
        mean_gray=0.28,
        smoothing=(1.1, 1.3),
        noise=-70.0,
        haze=-43.0,
        specular=0.5,
        assumed_attenuation=0.25,
    ),
    EsophagealStyleName.LEGACY: MachineStyle(
        opening=90.0,
        frequency=4.0,
        pulse=0.42,
        angular=0.014,
        defocus=1.8,
        focus=55.0,
        dynamic_range=42.0,
        gamma=1.2,
        mean_gray=0.27,
        smoothing=(0.5, 0.8),
        noise=-66.0,
        haze=-43.0,
        specular=0.6,
        assumed_attenuation=0.22,
    ),
}
