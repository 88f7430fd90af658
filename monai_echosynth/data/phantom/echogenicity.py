"""How strongly each tissue scatters and attenuates, and the mirror-like echo of the interfaces between them.

Backscatter is in dB relative to the pericardium. Within a tissue it varies smoothly (fiber direction, fat, scars), and
borders are a millimeter wide (trabeculae, partial volume). Where it jumps, the interface reflects specularly: strongly
when the beam meets it head on, weakly when it runs along the beam, which is why the lateral walls of an apical view fade.
The fat of the atrioventricular groove and the posterior pericardium are the brightest things in most pictures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from monai_echosynth.data.phantom.anatomy import Anatomy
from monai_echosynth.data.phantom.geometry import PolarGrid
from monai_echosynth.data.phantom.tissue import Tissue
from monai_echosynth.data.phantom.ventricle import annulus_half_width, axis_coordinates

__all__ = [
    "Scattering",
    "apical_fat_db",
    "attenuation_map",
    "backscatter_db",
    "sample_scattering",
    "smooth_field",
    "specular_amplitude",
]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Scattering:
    """Backscatter of one patient in dB.

    Attributes:
        level: mean per `Tissue` code.
        variation: size of the smooth variation per `Tissue` code.
        groove: extra brightness of the atrioventricular groove.
        posterior: extra brightness behind the heart.
        border: width of a tissue border in mm (standard deviation).
        calcium: extra attenuation of the valves' hinges in dB / (cm MHz); a calcified annulus shadows what lies behind it.
    """

    level: tuple[float, ...]
    variation: tuple[float, ...]
    groove: float
    posterior: float
    border: float
    calcium: float = 0.0


ATTENUATION = (0.50, 0.16, 0.45, 0.50, 0.45, 0.60, 0.45, 0.60, 0.45)
"""dB / (cm MHz) per tissue code."""

APICAL_LEVELS = (-17.0, -32.0, -14.5, -14.0, -15.0, -8.0, -12.0, -8.0, -15.0)
"""Mean backscatter in dB per tissue code, seen through the chest wall."""


def sample_scattering(
    rng: np.random.Generator,
    levels: Sequence[float] = APICAL_LEVELS,
    groove: tuple[float, float] = (4.0, 17.0),
    posterior: tuple[float, float] = (6.0, 21.0),
    spread: float = 1.0,
) -> Scattering:
    """Draw the acoustic contrast of one patient; poor windows have little between blood and muscle.

    Args:
        rng: source of randomness.
        levels: mean backscatter in dB per `Tissue` code.
        groove: range of the extra brightness of the atrioventricular groove in dB.
        posterior: range of the extra brightness behind the heart in dB.
        spread: differences between patients, relative to those of apical views.
    """
    deviation = spread * np.array([3.0, 3.0, 2.5, 2.5, 2.5, 2.5, 3.0, 3.0, 3.0])
    return Scattering(
        level=tuple(rng.normal(np.asarray(levels), deviation)),
        variation=(5.0, 1.5, 4.5, 5.0, 4.5, 5.0, 6.0, 2.0, 3.0),
        groove=float(rng.uniform(*groove)),
        posterior=float(rng.uniform(*posterior)),
        border=float(rng.uniform(0.5, 1.2)),
    )


def smooth_field(beams: PolarGrid, lateral: float, axial: float, rng: np.random.Generator) -> Array:
    """Smooth zero-mean, unit-variance random field (B, R) with correlation lengths in radians and in mm."""
    coarse = rng.standard_normal((24, 40))
    smooth = ndimage.gaussian_filter(coarse, 1.0, mode="reflect")
    smooth = (smooth - smooth.mean()) / smooth.std()
    rows = (beams.theta - beams.theta[0, 0]) / lateral + 2.0
    columns = beams.r / axial + 2.0
    return np.asarray(ndimage.map_coordinates(smooth, np.broadcast_arrays(rows, columns), order=1, mode="mirror"))


def backscatter_db(
    tissue: NDArray[np.uint8], scattering: Scattering, field: Array, fat: Array, beams: PolarGrid
) -> Array:
    """Backscatter in dB on the beam grid (B, R).

    Args:
        tissue: `Tissue` codes.
        scattering: level and variation per code.
        field: smooth unit-variance field; each tissue takes its share of it.
        fat: extra brightness of solid tissue in dB.
        beams: the grid.
    """
    level = np.take(scattering.level, tissue) + np.take(scattering.variation, tissue) * field
    solid = (tissue != Tissue.BLOOD) & (tissue != Tissue.LEAFLET)
    level = level + fat * solid
    beam_pixels = float(np.clip(scattering.border / (beams.beam_step * 70.0), 0.3, 3.0))
    soft = ndimage.gaussian_filter(level, (beam_pixels, scattering.border / beams.range_step))
    return np.where(tissue == Tissue.LEAFLET, np.maximum(level, soft), soft)


def apical_fat_db(anatomy: Anatomy, scattering: Scattering, x: Array, y: Array) -> Array:
    """Extra brightness in dB around the mitral annulus and behind the atrium, at scan points (mm) of an apical view."""
    u, v = axis_coordinates(anatomy, x, y)
    neck = annulus_half_width(anatomy)
    away = np.clip(np.abs(v) - neck - 4.0, 0.0, None)
    groove = np.exp(-0.5 * ((u + 4.0) / 16.0) ** 2 - away / 22.0) * (np.abs(v) > neck - 3.0)
    behind = -u - 0.95 * anatomy.atrium_length
    posterior = np.exp(-np.clip(behind, 0.0, None) / 25.0) * 0.5 * (1.0 + np.tanh((behind - 2.0) / 5.0))
    return np.asarray(scattering.groove * groove + scattering.posterior * posterior)


def attenuation_map(tissue: NDArray[np.uint8], calcium: float = 0.0) -> Array:
    """Attenuation coefficient in dB / (cm MHz) on the beam grid, ``calcium`` more at the valves' hinges."""
    return np.asarray(np.take(ATTENUATION, tissue) + calcium * (tissue == Tissue.ANNULUS))


def specular_amplitude(level_db: Array, beams: PolarGrid, strength: float, floor: float, power: float = 2.0) -> Array:
    """Amplitude of interface echoes from the gradient of the backscatter level.

    Args:
        level_db: tissue backscatter in dB, (B, R).
        beams: the grid.
        strength: amplitude relative to the pericardium of a head-on jump of 20 dB over 1 mm.
        floor: share that is left when the interface runs along the beam, in [0, 1].
        power: exponent of the cosine of incidence.
    """
    smooth = ndimage.gaussian_filter(level_db, (0.8, 0.6 / beams.range_step))
    across, along = np.gradient(smooth)
    across, along = across / (beams.beam_step * beams.r), along / beams.range_step
    slope = np.hypot(across, along)
    incidence = np.abs(along) / np.maximum(slope, 1e-9)
    return np.asarray(strength * slope / 20.0 * (floor + (1.0 - floor) * incidence**power))
