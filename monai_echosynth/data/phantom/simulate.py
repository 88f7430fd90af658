"""One frame of the phantom: anatomy -> scatterers -> beamformed echoes -> picture and label.

    s = A g + c + n        g beamformed speckle of the tissue, A propagation and gain, c clutter, n amplified noise

A patient's anatomy, contrast, machine and acoustic window are drawn once; only the speckle is new in every frame.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monai_echosynth.data.phantom import display, echogenicity, propagation
from monai_echosynth.data.phantom.echogenicity import Scattering
from monai_echosynth.data.phantom.geometry import CartesianGrid, PolarGrid, ScanGeometry, scan_convert
from monai_echosynth.data.phantom.scene import AcousticWindow, Scene
from monai_echosynth.data.phantom.speckle import ComplexArray, beam_width, beamform, complex_noise
from monai_echosynth.data.phantom.styles import MachineStyle

__all__ = ["PhantomFrame", "simulate_frame"]

Array = NDArray[np.float64]
BEAMS, SAMPLES = 160, 512


@dataclass(frozen=True)
class PhantomFrame:
    """A simulated frame.

    Attributes:
        image: uint8 gray levels (X, Y), 0 outside the sector.
        label: uint8 ids of the scene's annotation (X, Y), 0 outside the sector; CAMUS ids for apical views.
        spacing_mm: isotropic pixel spacing.
    """

    image: NDArray[np.uint8]
    label: NDArray[np.uint8]
    spacing_mm: float


def simulate_frame(
    scene: Scene,
    style: MachineStyle,
    scattering: Scattering,
    depth: float,
    window_seed: int | np.random.SeedSequence,
    frame_seed: int | np.random.SeedSequence,
    width: int = 256,
) -> PhantomFrame:
    """Image one scene with one machine.

    Args:
        scene: the heart at one view and phase.
        style: the machine.
        scattering: the patient's acoustic contrast.
        depth: scan depth in mm.
        window_seed: fixes texture, shadows, drop-out, haze and gain; shared by the frames of a recording.
        frame_seed: fixes speckle and noise.
        width: lateral pixels; the sector spans all of them.
    """
    geometry = ScanGeometry(style.opening, depth)
    beams, grid = geometry.polar(BEAMS, SAMPLES), geometry.cartesian(width)
    window = np.random.default_rng(window_seed)
    level = _echo_level(scene, style, scattering, beams, window, np.random.default_rng(frame_seed))
    gain = display.auto_gain(
        level,
        beams.r,
        style.dynamic_range,
        style.gamma,
        float(np.clip(window.normal(style.mean_gray, 0.05), 0.2, 0.55)),
    )
    gray = display.gray_level(level, gain, style.dynamic_range, style.gamma)
    inside = geometry.inside(grid.x, grid.y)
    image = display.to_uint8(scan_convert(gray, beams, grid), inside)
    label = np.where(inside, _drawn_label(scene, grid), 0).astype(np.uint8)
    return PhantomFrame(image, label, grid.spacing)


def _drawn_label(scene: Scene, grid: CartesianGrid) -> NDArray[np.uint8]:
    x, y = np.broadcast_arrays(grid.x, grid.y)
    return scene.label(x, y)


def _echo_level(
    scene: Scene,
    style: MachineStyle,
    scattering: Scattering,
    beams: PolarGrid,
    window: np.random.Generator,
    frame: np.random.Generator,
) -> Array:
    """Envelope in dB on the beam grid, after propagation and TGC."""
    tissue = scene.tissue(*beams.cartesian())
    texture = echogenicity.smooth_field(beams, 0.09, 9.0, window)
    haze = echogenicity.smooth_field(beams, 0.3, 35.0, window)
    loss = _window_loss(scene.window, beams, window)
    gain = propagation.tgc_db(beams, style.frequency, style.assumed_attenuation, window.normal(0.0, 2.5, 6))
    near, fog = window.normal(scene.window.near, 3.0), window.normal(style.haze, 2.5)

    fat = scene.fat_db(scattering, *beams.cartesian())
    base = echogenicity.backscatter_db(tissue, scattering, texture, fat, beams)
    speckle = _speckle(base, style, beams, frame)
    loss = loss + propagation.attenuation_db(
        echogenicity.attenuation_map(tissue, scattering.calcium), beams, style.frequency
    )
    dirt = propagation.clutter(beams, frame, near, fog, haze, scene.window.fade)
    dirt = beamform(dirt, beams, style.pulse, _width(style, beams))
    noise = beamform(complex_noise(beams.shape, frame), beams, style.pulse, np.full((1, 1), 0.1))
    echo = speckle * 10.0 ** ((gain - loss) / 20.0) + dirt + noise * 10.0 ** ((style.noise + gain) / 20.0)
    return display.smooth_envelope(echo, *style.smoothing)


def _window_loss(window: AcousticWindow, beams: PolarGrid, rng: np.random.Generator) -> Array:
    """Shadows and drop-out (positive dB)."""
    shadows = propagation.shadow_db(beams, rng, window.edge_probability, window.rib_probability)
    return shadows + propagation.drop_out_db(beams, rng, window.drop_out, window.patches)


def _width(style: MachineStyle, beams: PolarGrid) -> Array:
    return beam_width(beams.r, style.angular, style.defocus, style.focus)


def _speckle(base: Array, style: MachineStyle, beams: PolarGrid, frame: np.random.Generator) -> ComplexArray:
    """Beamformed echoes of tissue and interfaces before any loss."""
    mirror = echogenicity.specular_amplitude(base, beams, style.specular, floor=0.2)
    amplitude = np.hypot(10.0 ** (base / 20.0), mirror * 10.0 ** (-10.0 / 20.0))
    return beamform(amplitude * complex_noise(beams.shape, frame), beams, style.pulse, _width(style, beams))
