"""Figures of a gap, from the content of ``gap.json``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from monai_echosynth.workflows.report.markup import figure, note
from monai_echosynth.workflows.report.palette import ARM_COLORS, ARM_NAMES, INK, MUTED
from monai_echosynth.workflows.report.spectrum import label_spectrum
from monai_echosynth.workflows.report.svg import inline_svg, new_figure, style_axes

__all__ = ["draw_gradients", "draw_ratios", "draw_scores", "draw_spectra"]

_SIDES = ("real", "synthetic")


def draw_ratios(found: Mapping[str, Any]) -> str:
    """Synthetic over real of every median, with that of the floor as an open mark."""
    ratios = _ratios(found)
    if not ratios:
        return note("No measure of texture could be compared.")
    floor = _ratios(found["floor"]) if found.get("floor") else {}
    canvas = new_figure(7.6, 0.8 + 0.26 * len(ratios))
    axes = canvas.subplots()
    style_axes(axes, grid="x")
    axes.axvline(1.0, color=MUTED, lw=1.2)
    shown = [(floor, "real", "none", "Real vs real"), (ratios, "synthetic", ARM_COLORS["synthetic"], "Synthetic")]
    for values, arm, face, label in shown:
        at = [(value, y) for y, name in enumerate(ratios) if (value := values.get(name)) is not None]
        if at:
            x, y = zip(*at, strict=True)
            axes.plot(x, y, "o", ms=6, mfc=face, mec=ARM_COLORS[arm], mew=1.6, label=label)
    _ratio_axis(axes, [*ratios.values(), *floor.values()])
    axes.set_yticks(range(len(ratios)), list(ratios), color=INK, fontsize=9)
    axes.set_ylim(len(ratios) - 0.5, -0.5)
    axes.set_xlabel("Ratio to the real median")
    axes.spines["left"].set_visible(False)
    _legend_above(axes)
    alt = "Ratio of synthetic to real medians: " + "; ".join(f"{name} {value:.2f}" for name, value in ratios.items())
    caption = "Medians of the measures of texture over those of the real frames; left of 1 the synthetic set has less."
    return figure(inline_svg(canvas, "ratios", alt), caption)


def draw_spectra(found: Mapping[str, Any]) -> str:
    """Mean log spectra of both sets."""
    gap = found["gaps"]["spectrum"]
    canvas = new_figure(7.6, 3.0)
    axes = canvas.subplots()
    style_axes(axes, grid="both")
    for arm in _SIDES:
        axes.semilogx(gap["frequency"], gap["power_db"][arm], color=ARM_COLORS[arm], lw=2.0, label=ARM_NAMES[arm])
    label_spectrum(axes, "Power, dB")
    alt = "Mean radial power spectrum of real and synthetic frames"
    return figure(
        inline_svg(canvas, "gap-spectrum", alt), "Power inside the sector; mean over frames of its logarithm."
    )


def draw_gradients(found: Mapping[str, Any]) -> str:
    """Share of the pixels below a gradient magnitude."""
    quantiles = found["gaps"]["gradient"]["quantiles"]
    canvas = new_figure(7.6, 2.8)
    axes = canvas.subplots()
    style_axes(axes, grid="both")
    for arm in _SIDES:
        values = quantiles[arm]
        share = (np.arange(len(values)) + 0.5) / len(values)
        axes.plot(values, 100.0 * share, color=ARM_COLORS[arm], lw=2.0, label=ARM_NAMES[arm])
    axes.set(xlabel="Gradient magnitude, gray levels / mm", ylabel="Pixels below it, %", ylim=(0, 100))
    axes.set_xlim(left=0.0)
    axes.legend(frameon=False, labelcolor=INK, fontsize=9, loc="lower right")
    caption = "Distribution of gradient magnitudes inside the sector; the area between the curves is the gap."
    return figure(inline_svg(canvas, "gap-gradients", "Cumulative distribution of gradient magnitudes"), caption)


def draw_scores(found: Mapping[str, Any]) -> str:
    """Held-out scores of the classifier."""
    scores = found["gaps"]["classifier"]["scores"]
    edges = np.linspace(min(map(min, scores.values())), max(map(max, scores.values())) + 1e-6, 25)
    canvas = new_figure(7.6, 2.6)
    axes = canvas.subplots()
    style_axes(axes)
    for arm in _SIDES:
        counts, _ = np.histogram(scores[arm], edges)
        share = 100.0 * counts / len(scores[arm])
        axes.stairs(share, edges, color=ARM_COLORS[arm], lw=2.0, label=ARM_NAMES[arm])
        axes.stairs(share, edges, color=ARM_COLORS[arm], fill=True, alpha=0.13)
    axes.set(xlabel="Score of the network that has not seen the frame (log odds of synthetic)", ylabel="Frames, %")
    axes.legend(frameon=False, labelcolor=INK, fontsize=9)
    alt = "Histogram of classifier scores of real and synthetic frames"
    return figure(
        inline_svg(canvas, "gap-scores", alt), "Held-out scores; the less they overlap, the easier to tell apart."
    )


def _ratios(found: Mapping[str, Any]) -> dict[str, float]:
    """Ratio of medians by what was measured, where both sets show it."""
    gaps = found["gaps"]
    pairs: dict[str, Mapping[str, Any]] = {}
    for name, law in gaps["speckle"]["structures"].items():
        pairs |= {f"Nakagami m, {name}": law["nakagami_m"], f"Speckle SNR, {name}": law["snr"]}
    pairs |= {f"{axis.capitalize()} grain": pair for axis, pair in gaps["grain"]["mm"].items()}
    borders = gaps["sharpness"]["gray_levels_per_mm"].items()
    pairs |= {f"Sharpness, {name.replace('|', ' – ')}": pair for name, pair in borders}
    return {name: pair["synthetic"] / pair["real"] for name, pair in pairs.items() if all(pair.values())}


def _ratio_axis(axes: Axes, values: list[float]) -> None:
    """Logarithmic, with ticks in steps that a reader knows."""
    axes.set_xscale("log")
    low, high = min(0.8, 0.93 * min(values)), max(1.25, 1.07 * max(values))
    ticks = [
        tick for tick in (0.1, 0.2, 0.3, 0.5, 0.7, 0.8, 0.9, 1, 1.1, 1.25, 1.5, 2, 3, 5, 10) if low <= tick <= high
    ]
    if high / low > 4:
        ticks = [tick for tick in ticks if tick not in (0.8, 0.9, 1.1, 1.25)]
    axes.minorticks_off()
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.set_xlim(low, high)


def _legend_above(axes: Axes) -> None:
    axes.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=2, frameon=False, labelcolor=INK, fontsize=9)
