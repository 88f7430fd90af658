r"""One frame of the breast phantom: a linear array over skin, fat, gland and muscle, with or without lesions.

Sound of frequency :math:`f` that crosses tissue of attenuation :math:`\alpha` forth and back arrives with a level of

.. math:: L(x, y) = B(x, y) - 2 f \int_0^y \bigl(\alpha(x, s) - \alpha_0\bigr) ds + \text{gain errors} \quad [\text{dB}]

after compensation for the uniform attenuation :math:`\alpha_0`: a lesion that attenuates less than its surroundings is bright
behind (posterior enhancement, benign), one that attenuates more throws a shadow (malignant). Speckle is fully developed:
circular Gaussian scatterers of level :math:`B` seen through a Gaussian point spread function.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from monai_echosynth.data.phantom.display import auto_gain, gray_level, smooth_envelope
from monai_echosynth.data.phantom.lesion_shape import Lesion, LesionClass, sample_lesions
from monai_echosynth.data.phantom.speckle import ComplexArray, complex_noise
from monai_echosynth.data.resample import resample_image

__all__ = ["FIELD_MM", "LesionFrame", "simulate_lesion_frame"]

Array = NDArray[np.float64]

FIELD_MM = 40.0
"""Width and depth of the picture."""

_BEAMS, _SAMPLES = 192, 384
_FREQUENCY, _TISSUE_ATTENUATION = 7.0, 0.7  # MHz, dB / (cm MHz)
_ATTENUATION = {LesionClass.BENIGN: 0.15, LesionClass.MALIGNANT: 1.7}
_BACKSCATTER = {LesionClass.BENIGN: -21.0, LesionClass.MALIGNANT: -24.0}
_SKIN, _FAT, _GLAND, _MUSCLE = 0.0, -14.0, -6.0, -11.0
_BEAM_MM, _PULSE_MM = 0.32, 0.15
_DYNAMIC_RANGE, _GAMMA = 52.0, 1.15


@dataclass(frozen=True)
class LesionFrame:
    """A simulated frame.

    Attributes:
        kind: what it shows.
        image: uint8 gray levels (X, Y), at least 1: the picture has no outside.
        masks: one map (X, Y) a lesion, True inside.
    """

    kind: LesionClass
    image: NDArray[np.uint8]
    masks: tuple[NDArray[np.bool_], ...]


def simulate_lesion_frame(kind: LesionClass, seed: int | np.random.SeedSequence, width: int = 256) -> LesionFrame:
    """Draw tissue, lesions and machine from ``seed`` and image them.

    Args:
        kind: class of the frame.
        seed: everything random.
        width: edge of the square picture in pixels.
    """
    rng = np.random.default_rng(seed)
    lesions = sample_lesions(kind, rng)
    x, y = _grid(_BEAMS, _SAMPLES)
    level = _backscatter(lesions, x, y, rng)
    loss = 2.0 * _FREQUENCY * np.cumsum(_excess(lesions, x, y), axis=1) * FIELD_MM / (10.0 * _SAMPLES)
    loss = ndimage.gaussian_filter1d(loss, 2.0, axis=0)
    sliders = np.interp(y, np.linspace(0.0, FIELD_MM, 6), rng.normal(0.0, 1.5, 6))
    noise = rng.uniform(-62.0, -54.0)
    echo = _speckle(level, rng) * 10.0 ** ((sliders - loss) / 20.0)
    echo = echo + complex_noise(echo.shape, rng) * 10.0 ** (noise / 20.0)
    shown = smooth_envelope(echo, 0.7, 1.0)
    mean = float(np.clip(rng.normal(0.36, 0.03), 0.28, 0.44))
    gain = auto_gain(shown, np.ones((1, 1)), _DYNAMIC_RANGE, _GAMMA, mean)
    gray = resample_image(gray_level(shown, gain, _DYNAMIC_RANGE, _GAMMA), (width, width))
    image = np.clip(np.rint(255.0 * gray), 1, 255).astype(np.uint8)
    places = np.broadcast_arrays(*_grid(width, width))
    return LesionFrame(kind, image, tuple(lesion.reach(*places) > 0.0 for lesion in lesions))


def _grid(beams: int, samples: int) -> tuple[Array, Array]:
    """Lateral positions (B, 1) about the middle and depths (1, R) in mm."""
    x = ((np.arange(beams) + 0.5) / beams - 0.5) * FIELD_MM
    y = (np.arange(samples) + 0.5) / samples * FIELD_MM
    return x[:, None], y[None, :]


def _backscatter(lesions: tuple[Lesion, ...], x: Array, y: Array, rng: np.random.Generator) -> Array:
    """Level in dB of layers, texture and lesions."""
    skin, gland, muscle = (depth + _undulation(x, rng, rise) for depth, rise in ((1.6, 0.1), (7.5, 1.2), (32.0, 1.2)))
    level = np.where(y < skin, _SKIN, np.where(y < gland, _FAT, np.where(y < muscle, _GLAND, _MUSCLE)))
    fibers = 5.0 * np.sin(2.0 * np.pi * (y - muscle) / rng.uniform(1.6, 2.4)) * (y > muscle)
    fascia = 9.0 * np.exp(-0.5 * ((y - muscle) / 0.35) ** 2)
    texture = _smooth(rng, (1.6, 0.9)) * 2.0 + _smooth(rng, (3.5, 2.0)) * rng.uniform(1.0, 2.5)
    level = level + fibers + fascia + texture
    for lesion in lesions:
        level = _with_lesion(level, lesion, lesion.reach(*np.broadcast_arrays(x, y)), rng)
    return np.asarray(level)


def _with_lesion(level: Array, lesion: Lesion, reach: Array, rng: np.random.Generator) -> Array:
    """A dark lesion with its rim: a thin capsule around a benign one, an echogenic halo around a malignant one."""
    malignant = lesion.kind is LesionClass.MALIGNANT
    inside = _BACKSCATTER[lesion.kind] + _smooth(rng, (1.2, 1.0)) * (3.0 if malignant else 0.8)
    level = np.where(reach > 0.0, inside, level)
    if malignant:
        halo = 5.0 * np.exp(-0.5 * ((reach + 0.15) / 0.12) ** 2)
        return np.asarray(level + np.where(reach > 0.0, 0.0, halo))
    return np.asarray(level + 11.0 * np.exp(-0.5 * (reach / 0.05) ** 2))


def _excess(lesions: tuple[Lesion, ...], x: Array, y: Array) -> Array:
    """Attenuation beyond what the machine compensates, dB / (cm MHz)."""
    excess = np.zeros((_BEAMS, _SAMPLES))
    for lesion in lesions:
        inside = lesion.reach(*np.broadcast_arrays(x, y)) > 0.0
        excess[inside] = _ATTENUATION[lesion.kind] - _TISSUE_ATTENUATION
    return excess


def _speckle(level: Array, rng: np.random.Generator) -> ComplexArray:
    """Beamformed echoes with the mean power of ``level``."""
    widths = (_BEAM_MM * _BEAMS / FIELD_MM, _PULSE_MM * _SAMPLES / FIELD_MM)
    scatterers = 10.0 ** (level / 20.0) * complex_noise((_BEAMS, _SAMPLES), rng)
    power = np.prod([1.0 / (2.0 * np.sqrt(np.pi) * width) for width in widths])  # sum of a Gaussian's squared weights
    return np.asarray(ndimage.gaussian_filter(scatterers, widths) / np.sqrt(power))


def _smooth(rng: np.random.Generator, length: tuple[float, float]) -> Array:
    """Smooth field of unit variance with correlation lengths in mm."""
    sigma = (length[0] * _BEAMS / FIELD_MM, length[1] * _SAMPLES / FIELD_MM)
    field = ndimage.gaussian_filter(rng.standard_normal((_BEAMS, _SAMPLES)), sigma)
    return np.asarray(field / field.std())


def _undulation(x: Array, rng: np.random.Generator, rise: float) -> Array:
    """Course of a layer's border (B, 1) in mm: an offset, a tilt and a wave."""
    offset, tilt, wave = rng.normal(0.0, rise, 3)
    return np.asarray(offset + tilt * x / FIELD_MM + 0.7 * wave * np.sin(2.0 * np.pi * (x / 35.0 + rng.random())))
