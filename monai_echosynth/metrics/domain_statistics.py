"""Everything that is measured on one set of frames, frame by frame, before it is compared with another set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np
from numpy.typing import NDArray

from monai_echosynth.metrics.gradients import Gradient, image_gradient, magnitude_quantiles
from monai_echosynth.metrics.grain import Grain, detrended, grain_of
from monai_echosynth.metrics.sharpness import border_sharpness
from monai_echosynth.metrics.speckle import radial_power_spectrum, spectrum_slope
from monai_echosynth.metrics.speckle_law import SpeckleLaw, speckle_law

__all__ = ["AnnotatedFrame", "TextureStatistics", "measure_frames"]

Array = NDArray[np.float64]
PerFrame = Mapping[str, Array]

_DARKEST: Final = 1e-12
"""Power below which a ring of the spectrum counts as empty."""


@dataclass(frozen=True)
class AnnotatedFrame:
    """A frame.

    Attributes:
        image: (X, Y), intensity in [0, 1].
        label: (X, Y) ids.
        sector: (X, Y), True inside the field of view.
        spacing: size of a pixel along both axes, mm.
    """

    image: NDArray[np.float32]
    label: NDArray[np.uint8]
    sector: NDArray[np.bool_]
    spacing: tuple[float, float]


@dataclass(frozen=True)
class TextureStatistics:
    """Measures of a set; arrays over frames hold NaN where a frame does not show what is measured.

    Attributes:
        frequency: (r,) rings of the power spectrum in cycles / pixel, the one around zero left out.
        power_db: (r,) mean over frames of the power in dB.
        slope: (n,) slope of log power over log frequency.
        speckle: structure -> name of a field of :class:`SpeckleLaw` -> (n,).
        grain_mm: ``lateral`` and ``axial`` -> (n,), of the whole sector.
        structure_grain_mm: structure -> the same of it.
        gradient: quantile function of the gradient magnitudes, gray levels per mm.
        sharpness: border as ``name|name`` -> (n,), gray levels per mm.
    """

    frequency: Array
    power_db: Array
    slope: Array
    speckle: Mapping[str, PerFrame]
    grain_mm: PerFrame
    structure_grain_mm: Mapping[str, PerFrame]
    gradient: Array
    sharpness: PerFrame


def measure_frames(frames: Sequence[AnnotatedFrame], structures: Mapping[int, str], rest: int) -> TextureStatistics:
    """Measures a set of frames of one size.

    Args:
        frames: at least one; gray levels inside the sector must differ.
        structures: names of the anatomical labels by id.
        rest: id inside the sector where there is no structure; its borders count, its speckle does not.

    Raises:
        ValueError: there is no frame, or a frame has no sector.
    """
    if not frames:
        raise ValueError("statistics of a set need at least one frame, got none")
    spectra = [radial_power_spectrum(frame.image, frame.sector) for frame in frames]
    textures = [detrended(frame.image, frame.sector) for frame in frames]
    gradients = [image_gradient(frame.image, frame.sector, frame.spacing) for frame in frames]
    power = np.stack([10.0 * np.log10(np.maximum(spectrum.power[1:], _DARKEST)) for spectrum in spectra])
    names = dict(sorted({**structures, rest: "sector"}.items()))
    return TextureStatistics(
        frequency=spectra[0].frequency[1:],
        power_db=power.mean(axis=0),
        slope=np.array([spectrum_slope(spectrum) for spectrum in spectra]),
        speckle={name: _speckle(frames, number) for number, name in structures.items()},
        grain_mm=_grain(frames, textures),
        structure_grain_mm={name: _grain(frames, textures, number) for number, name in structures.items()},
        gradient=magnitude_quantiles([gradient.magnitudes for gradient in gradients]),
        sharpness={f"{names[a]}|{names[b]}": _sharpness(frames, gradients, (a, b)) for a, b in combinations(names, 2)},
    )


def _speckle(frames: Sequence[AnnotatedFrame], number: int) -> dict[str, Array]:
    laws = np.array([speckle_law(frame.image[frame.label == number]) for frame in frames])
    return dict(zip(SpeckleLaw._fields, laws.T, strict=True))


def _grain(frames: Sequence[AnnotatedFrame], textures: Sequence[Array], number: int | None = None) -> dict[str, Array]:
    """Of the structure ``number``, or of the whole sector."""
    pairs = zip(textures, frames, strict=True)
    found = [grain_of(t, f.sector if number is None else f.label == number, f.spacing) for t, f in pairs]
    return dict(zip(Grain._fields, np.array(found).T, strict=True))


def _sharpness(frames: Sequence[AnnotatedFrame], gradients: Sequence[Gradient], pair: tuple[int, int]) -> Array:
    pairs = zip(frames, gradients, strict=True)
    return np.array([border_sharpness(gradient, frame.label, pair, frame.spacing) for frame, gradient in pairs])
