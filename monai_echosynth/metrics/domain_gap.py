r"""How far two sets of frames are apart in each of their statistics; smaller is closer.

Where a measure is positive and has one value a frame, the sets are compared by
:math:`|\ln(\tilde x_{\text{synthetic}} / \tilde x_{\text{real}})|` of its medians, so that measures of different units can be
averaged: 0.1 is a difference of about 10 %. NaN (a frame that does not show the structure) has no part in a median; a measure
that fewer than four frames of a set show is left out, with a remark.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike

from monai_echosynth.metrics.domain_statistics import TextureStatistics
from monai_echosynth.metrics.gradients import quantile_distance

__all__ = ["FEWEST_FRAMES", "Gap", "TEXTURE_GAPS", "log_ratio", "median"]

FEWEST_FRAMES: Final = 4
"""Frames of each set that a comparison needs."""

_COMPARED_LAW = ("nakagami_m", "snr")
_QUARTILES = (0.25, 0.5, 0.75)


@dataclass(frozen=True)
class Gap:
    """One comparison.

    Attributes:
        value: 0 for equal sets, NaN where nothing could be compared.
        unit: of the value; empty for a pure number.
        details: what it was computed from; plain JSON values.
        notes: what was left out, and why.
    """

    value: float
    unit: str
    details: Mapping[str, Any]
    notes: tuple[str, ...] = field(default=())


def median(values: ArrayLike) -> float:
    """Median of the values that are not NaN; NaN where fewer than `FEWEST_FRAMES` are left."""
    known = np.asarray(values, dtype=np.float64)
    known = known[np.isfinite(known)]
    return float(np.median(known)) if known.size >= FEWEST_FRAMES else float("nan")


def log_ratio(real: float, synthetic: float) -> float:
    """|ln(synthetic / real)|; NaN unless both are positive."""
    return abs(float(np.log(synthetic / real))) if real > 0 and synthetic > 0 else float("nan")


def spectrum_gap(real: TextureStatistics, synthetic: TextureStatistics) -> Gap:
    """Root mean square difference of the mean log spectra over all rings."""
    difference = synthetic.power_db - real.power_db
    details = {
        "slope": _pair(median(real.slope), median(synthetic.slope)),
        "frequency": real.frequency.tolist(),
        "power_db": {"real": real.power_db.tolist(), "synthetic": synthetic.power_db.tolist()},
    }
    return Gap(float(np.sqrt(np.square(difference).mean())), "dB", details)


def speckle_gap(real: TextureStatistics, synthetic: TextureStatistics) -> Gap:
    """Mean log ratio of Nakagami shape and speckle SNR over structures; the Gamma law is reported beside them."""
    details: dict[str, Any] = {}
    ratios: list[float] = []
    notes: list[str] = []
    for name, law in real.speckle.items():
        pairs = {key: _pair(median(law[key]), median(synthetic.speckle[name][key])) for key in law}
        found = [log_ratio(**pairs[key]) for key in _COMPARED_LAW]
        details[name] = pairs
        ratios += found
        notes += _left_out(f"speckle in {name}", pairs["snr"], "hardly any frame shows it, or it is uniformly dark")
    return Gap(_mean(ratios), "", {"structures": details}, tuple(notes))


def grain_gap(real: TextureStatistics, synthetic: TextureStatistics) -> Gap:
    """Mean log ratio of the grain of the sector over both axes; that of each structure is reported beside it."""
    pairs = {axis: _pair(median(real.grain_mm[axis]), median(synthetic.grain_mm[axis])) for axis in real.grain_mm}
    notes = [note for axis in pairs for note in _left_out(f"{axis} grain", pairs[axis], "the correlation never falls")]
    structures = {
        name: {axis: _pair(median(widths[axis]), median(synthetic.structure_grain_mm[name][axis])) for axis in widths}
        for name, widths in real.structure_grain_mm.items()
    }
    details = {"mm": pairs, "structures_mm": structures}
    return Gap(_mean([log_ratio(**pair) for pair in pairs.values()]), "", details, tuple(notes))


def gradient_gap(real: TextureStatistics, synthetic: TextureStatistics) -> Gap:
    """Wasserstein-1 distance of the gradient magnitudes."""
    shown = {"real": real.gradient, "synthetic": synthetic.gradient}
    at = (np.arange(50) + 0.5) / 50
    details = {
        "quartiles": {key: np.quantile(values, _QUARTILES).tolist() for key, values in shown.items()},
        "quantiles": {key: np.quantile(values, at).tolist() for key, values in shown.items()},
    }
    return Gap(quantile_distance(real.gradient, synthetic.gradient), "gray levels / mm", details)


def sharpness_gap(real: TextureStatistics, synthetic: TextureStatistics) -> Gap:
    """Mean log ratio of the sharpness over borders that both sets show."""
    every = {name: _pair(median(real.sharpness[name]), median(synthetic.sharpness[name])) for name in real.sharpness}
    pairs = {name: pair for name, pair in every.items() if np.isfinite([*pair.values()]).any()}
    notes = [
        note for name, pair in pairs.items() for note in _left_out(f"border {name}", pair, "hardly any frame shows it")
    ]
    return Gap(_mean([log_ratio(**pair) for pair in pairs.values()]), "", {"gray_levels_per_mm": pairs}, tuple(notes))


TEXTURE_GAPS: Final[Mapping[str, Callable[[TextureStatistics, TextureStatistics], Gap]]] = {
    "spectrum": spectrum_gap,
    "speckle": speckle_gap,
    "grain": grain_gap,
    "gradient": gradient_gap,
    "sharpness": sharpness_gap,
}
"""Comparisons that need nothing but the statistics."""


def _pair(real: float, synthetic: float) -> dict[str, float]:
    return {"real": real, "synthetic": synthetic}


def _left_out(what: str, pair: Mapping[str, float], reason: str) -> Iterator[str]:
    missing = [side for side, value in pair.items() if not (np.isfinite(value) and value > 0)]
    if missing:
        yield f"{what} is left out: {reason} ({' and '.join(missing)} set)"


def _mean(values: list[float]) -> float:
    known = [value for value in values if np.isfinite(value)]
    return float(np.mean(known)) if known else float("nan")
