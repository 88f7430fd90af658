"""Speckle statistics and power spectrum, real against synthetic."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from monai_echosynth.metrics.grain import DETREND_PX
from monai_echosynth.metrics.speckle_law import DYNAMIC_RANGE_DB
from monai_echosynth.workflows.report.markup import Section, figure, note, number, paragraph, table
from monai_echosynth.workflows.report.palette import ARM_COLORS, ARM_NAMES, INK
from monai_echosynth.workflows.report.svg import inline_svg, new_figure, style_axes
from monai_echosynth.workflows.report.texture import Texture

__all__ = ["label_spectrum", "speckle_section"]


def speckle_section(textures: Mapping[str, Texture]) -> Section:
    """Table of measures (mean and standard deviation over frames) and the mean spectra."""
    title = "Speckle"
    if not textures:
        return Section("speckle", title, note("No frames could be measured, so speckle statistics are left out."))
    names = next(iter(textures.values())).measures
    rows = [(name, *(_spread(texture.measures[name]) for texture in textures.values())) for name in names]
    header = ("Measure", *(ARM_NAMES[arm] for arm in textures))
    body = table("Speckle statistics, mean ± standard deviation over frames", header, rows)
    body += paragraph(
        f"Envelope statistics undo log compression with an assumed range of {DYNAMIC_RANGE_DB:g} dB (fully developed speckle: "
        f"SNR 1.91, m 1). Grain is the full width at half maximum of the autocovariance after a local mean of "
        f"{DETREND_PX:g} px is taken off. Slope of log power over log frequency between 0.05 and 0.4 cycles / pixel.",
        "small",
    )
    return Section("speckle", title, body + _draw(textures))


def _spread(values: NDArray[np.float64]) -> str:
    known = values[np.isfinite(values)]
    return f"{number(known.mean())} ± {number(known.std())}" if known.size else "–"


def _draw(textures: Mapping[str, Texture]) -> str:
    canvas = new_figure(7.6, 3.0)
    axes = canvas.subplots()
    style_axes(axes, grid="both")
    for arm, texture in textures.items():
        spectrum = texture.spectrum
        axes.loglog(spectrum.frequency[1:], spectrum.power[1:], color=ARM_COLORS[arm], lw=2.0, label=ARM_NAMES[arm])
    label_spectrum(axes, "Power")
    alt = "Radial power spectrum of real and synthetic frames on logarithmic axes"
    return figure(inline_svg(canvas, "spectrum", alt), "Power spectrum inside the sector, averaged over frames.")


def label_spectrum(axes: Axes, power: str) -> None:
    """Ticks of the frequency, titles of both axes (``power`` on the vertical one) and the legend."""
    axes.minorticks_off()
    ticks = [0.02, 0.05, 0.1, 0.2, 0.4]
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.set(xlabel="Spatial frequency, cycles / pixel", ylabel=power)
    axes.legend(frameon=False, labelcolor=INK, fontsize=9)
