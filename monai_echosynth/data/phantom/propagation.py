"""What happens to the sound on its way: attenuation, gain compensation, shadows, drop-out and near-field clutter.

A wave of frequency f that crosses tissue of attenuation a(r) (dB / (cm MHz)) forth and back loses

    A(r) = 2 f integral_0^r a(s) ds        [dB],

and the machine adds time-gain compensation (TGC) for an assumed uniform tissue, plus sliders that no one sets
perfectly. Levels are in dB; arrays are (B, R) or broadcast to it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from monai_echosynth.data.phantom.geometry import PolarGrid
from monai_echosynth.data.phantom.speckle import ComplexArray, complex_noise

__all__ = ["attenuation_db", "clutter", "drop_out_db", "shadow_db", "tgc_db"]

Array = NDArray[np.float64]


def attenuation_db(coefficient: Array, beams: PolarGrid, frequency: float) -> Array:
    """Two-way loss (positive dB) down to each sample; ``coefficient`` in dB / (cm MHz), ``frequency`` in MHz."""
    step_cm = beams.range_step / 10.0
    return np.asarray(2.0 * frequency * step_cm * np.cumsum(np.broadcast_to(coefficient, beams.shape), axis=1))


def tgc_db(beams: PolarGrid, frequency: float, assumed: float, sliders: Array) -> Array:
    """Gain over range (1, R): compensation of ``assumed`` dB / (cm MHz) plus slider errors in dB, probe to bottom."""
    knots = np.linspace(0.0, float(beams.r[0, -1]), len(sliders))
    return np.asarray(2.0 * frequency * assumed * beams.r / 10.0 + np.interp(beams.r, knots, sliders))


def shadow_db(beams: PolarGrid, rng: np.random.Generator, edge_probability: float, rib_probability: float) -> Array:
    """Loss (positive dB) behind lung at the sector's edges and behind a rib inside it."""
    loss = np.zeros(beams.shape)
    half = float(beams.theta[-1, 0])
    for side in (-1.0, 1.0):
        onset, depth, strength = rng.uniform(0.72, 0.98), rng.uniform(5.0, 70.0), rng.uniform(5.0, 16.0)
        if rng.random() < edge_probability:
            loss += strength * _ramp(side * beams.theta / half, onset, 0.05) * _ramp(beams.r, depth, 6.0)
    center, width, strength = rng.uniform(-0.6, 0.6) * half, rng.uniform(0.03, 0.07), rng.uniform(4.0, 11.0)
    start = rng.uniform(10.0, 30.0)
    if rng.random() < rib_probability:
        loss += strength * np.exp(-0.5 * ((beams.theta - center) / width) ** 2) * _ramp(beams.r, start, 5.0)
    return loss


def drop_out_db(beams: PolarGrid, rng: np.random.Generator, strength: float, patches: int = 2) -> Array:
    """Loss (positive dB) in a few blurred patches of the picture, where the wall fades away."""
    loss = np.zeros(beams.shape)
    depth = float(beams.r[0, -1])
    for _ in range(patches):
        theta, r = rng.uniform(-0.8, 0.8) * beams.theta[-1, 0], rng.uniform(0.2, 0.65) * depth
        size = rng.uniform(0.06, 0.14), rng.uniform(10.0, 24.0)
        distance = ((beams.theta - theta) / size[0]) ** 2 + ((beams.r - r) / size[1]) ** 2
        loss += strength * rng.uniform(0.0, 1.0) * np.exp(-0.5 * distance)
    return loss


def clutter(
    beams: PolarGrid, rng: np.random.Generator, near_db: float, haze_db: float, haze: Array, fade: float = 1.0
) -> ComplexArray:
    """Sound that never met the anatomy: near-field ring-down, reverberation bands and a patchy haze.

    Args:
        beams: the grid.
        rng: source of the scatterers and of the band positions.
        near_db: level at the probe.
        haze_db: level of the haze where ``haze`` is 0.
        haze: smooth field in units of 5 dB.
        fade: reach of the near field, 1 for about 1 mm per dB.
    """
    decay = near_db - beams.r / (fade * rng.uniform(0.75, 1.4))
    near = 10.0 ** (decay / 20.0)
    first, spacing = rng.uniform(3.0, 6.0), rng.uniform(3.0, 6.0)
    for k in range(4):
        bow = first + k * spacing
        near = near + 10.0 ** ((near_db - 4.0 - 5.0 * k) / 20.0) * np.exp(-0.5 * ((beams.r - bow) / 0.9) ** 2)
    spread = 10.0 ** ((haze_db + 5.0 * haze) / 20.0)
    return np.asarray(complex_noise(beams.shape, rng) * np.hypot(near, spread))


def _ramp(value: Array, center: float, width: float) -> Array:
    """Smooth step from 0 to 1 around ``center``."""
    return np.asarray(0.5 * (1.0 + np.tanh((value - center) / width)))
