"""Distribution of in-sector gray levels, real against synthetic, with the autoencoder's Gamma prior."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from monai_echosynth.distributions.gamma import GammaPrior
from monai_echosynth.metrics.intensity import GammaFit, gamma_density, histogram_distance
from monai_echosynth.workflows.report.markup import Section, figure, note, number, table
from monai_echosynth.workflows.report.palette import ARM_COLORS, ARM_NAMES, INK, PRIOR
from monai_echosynth.workflows.report.svg import inline_svg, new_figure, style_axes
from monai_echosynth.workflows.report.texture import Texture

__all__ = ["intensity_section"]


def intensity_section(textures: Mapping[str, Texture]) -> Section:
    """Histograms and Gamma fits of the sets measured (keys 'real' and 'synthetic')."""
    title = "Intensity distribution"
    if not textures:
        return Section("intensity", title, note("No frames could be measured, so the distribution is left out."))
    rows = []
    for arm, texture in textures.items():
        fit = texture.gamma
        mean, deviation = fit.concentration / fit.rate, fit.concentration**0.5 / fit.rate
        rows.append(
            (ARM_NAMES[arm], str(texture.frames), *(number(v) for v in (fit.concentration, fit.rate, mean, deviation)))
        )
    prior = GammaPrior()
    mean, deviation = prior.concentration / prior.rate, prior.concentration**0.5 / prior.rate
    rows.append(("Prior", "–", *(number(v) for v in (prior.concentration, prior.rate, mean, deviation))))
    header = ("Set", "Frames", "Concentration", "Rate", "Mean", "Standard deviation")
    body = _draw(textures) + table("Gamma law of the gray levels inside the sector", header, rows)
    if len(textures) == 2:
        distance = histogram_distance(textures["real"].histogram, textures["synthetic"].histogram)
        body += note(
            f"Wasserstein distance between real and synthetic gray levels: {number(distance, 4)} of full scale."
        )
    else:
        body += note("Only one of real and synthetic could be measured.")
    return Section("intensity", title, body)


def _draw(textures: Mapping[str, Texture]) -> str:
    canvas = new_figure(7.6, 3.0)
    axes = canvas.subplots()
    style_axes(axes)
    for arm, texture in textures.items():
        density, edges = texture.histogram.density, texture.histogram.edges
        axes.stairs(density, edges, color=ARM_COLORS[arm], lw=2.0, label=ARM_NAMES[arm])
        axes.stairs(density, edges, color=ARM_COLORS[arm], fill=True, alpha=0.13)
    x = np.linspace(0.0, 1.0, 200)
    prior = GammaPrior()
    curve = gamma_density(x, GammaFit(prior.concentration, prior.rate))
    axes.plot(x, curve, "--", color=PRIOR, lw=1.8, label=f"Gamma prior ({prior.concentration:g}, {prior.rate:g})")
    axes.set(xlim=(0.0, 1.0), xlabel="Gray level inside the sector", ylabel="Density")
    inner = [texture.histogram.density[1:].max() for texture in textures.values()]
    axes.set_ylim(0.0, 1.15 * max(*inner, curve.max()))
    axes.legend(frameon=False, labelcolor=INK, fontsize=9)
    black = max(float(texture.histogram.density[0] * texture.histogram.edges[1]) for texture in textures.values())
    caption = "Gray levels inside the sector."
    if black >= 0.005:
        caption += f" Up to {100 * black:.1f} % of the pixels are black; the axis may cut their bin."
    alt = (
        "Histogram of gray levels inside the sector of real and synthetic frames, with the Gamma prior as a dashed line"
    )
    return figure(inline_svg(canvas, "intensity", alt), caption)
