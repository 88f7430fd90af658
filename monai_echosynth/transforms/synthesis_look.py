"""What one randomized frame looks like, and how that is drawn: the generative prior of SynthSeg, put in terms of ultrasound.

SynthSeg draws the gray level of every label anew for each image, far beyond what any scanner shows, so that a segmenter learns
shapes and nothing about contrast. In a log-compressed echo the noise within a label is speckle, the resolution falls with depth,
and the operator turns gain, depth compensation and gray map instead of an MR bias field.

References:
    Billot et al., SynthSeg: Segmentation of brain MRI scans of any contrast and resolution without retraining, 2023.
    https://doi.org/10.1016/j.media.2023.102789
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from monai_echosynth.errors import EchoSynthError

__all__ = ["FrameLook", "LookLimits", "draw_look"]

Range = tuple[float, float]


@dataclass(frozen=True)
class LookLimits:
    """Ranges of the uniform draws. Gray levels have the full scale 1, lengths are fractions of the frame's side.

    Attributes:
        mean: gray level of a label.
        spread: standard deviation of the speckle within a label, gray levels.
        patches: standard deviation of slow variation within a label, gray levels.
        axial: width of the pulse, standard deviation.
        lateral: width of the beam at the far end, standard deviation.
        narrowing: width of the beam at the probe over that at the far end.
        blur: width of the transition between labels, standard deviation.
        gain: added to all gray levels.
        shading: added at the knots of the depth compensation.
        contrast: natural logarithm of the gray map's exponent.

    Raises:
        EchoSynthError: a range falls, or a length, spread or share is negative.
    """

    mean: Range = (0.02, 0.85)
    spread: Range = (0.02, 0.22)
    patches: Range = (0.0, 0.1)
    axial: Range = (0.003, 0.012)
    lateral: Range = (0.006, 0.03)
    narrowing: Range = (0.3, 1.0)
    blur: Range = (0.0, 0.012)
    gain: Range = (-0.1, 0.1)
    shading: Range = (-0.15, 0.15)
    contrast: Range = (-0.4, 0.4)

    def __post_init__(self) -> None:
        for field in fields(self):
            low, high = getattr(self, field.name)
            signed = field.name in ("gain", "shading", "contrast")
            if not low <= high or (low < 0 and not signed):
                raise EchoSynthError(
                    f"'{field.name}' is a range from a smaller to a larger number"
                    f"{'' if signed else ', not negative'}, got {low} to {high}: correct it"
                )


@dataclass(frozen=True)
class FrameLook:
    """One drawn look; units as in :class:`LookLimits`.

    Attributes:
        means: gray level by label id.
        spreads: standard deviation of the speckle by label id.
        patches: standard deviation of the slow variation by label id.
        axial: width of the pulse.
        lateral: width of the beam at the far end.
        narrowing: width of the beam at the probe over that at the far end.
        blur: width of the transition between labels.
        gain: added to all gray levels.
        shading: (K,) added in depth, from the probe to the far end, linear in between.
        contrast: exponent of the gray map.
    """

    means: Mapping[int, float]
    spreads: Mapping[int, float]
    patches: Mapping[int, float]
    axial: float
    lateral: float
    narrowing: float
    blur: float
    gain: float
    shading: NDArray[np.float64]
    contrast: float


def draw_look(
    source: np.random.Generator, ids: Sequence[int], limits: LookLimits | None = None, knots: int = 5
) -> FrameLook:
    """Draws a look.

    Args:
        source: random numbers; equal states give equal looks.
        ids: labels that are painted, in a fixed order.
        limits: ranges.
        knots: positions in depth at which the shading is drawn.
    """
    limits = limits or LookLimits()

    def one(span: Range) -> float:
        return float(source.uniform(*span))

    def each(span: Range) -> dict[int, float]:
        return {number: one(span) for number in ids}

    return FrameLook(
        means=each(limits.mean),
        spreads=each(limits.spread),
        patches=each(limits.patches),
        axial=one(limits.axial),
        lateral=one(limits.lateral),
        narrowing=one(limits.narrowing),
        blur=one(limits.blur),
        gain=one(limits.gain),
        shading=source.uniform(*limits.shading, size=knots),
        contrast=float(np.exp(one(limits.contrast))),
    )
