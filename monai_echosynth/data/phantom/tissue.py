"""From heart coordinates to tissues and CAMUS labels.

Both maps evaluate the same closed-form outlines, so the label is exactly the anatomy that scatters.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from monai_echosynth.data.phantom.anatomy import Anatomy, View
from monai_echosynth.data.phantom.ventricle import (
    annulus_half_width,
    atrium_half_width,
    axis_coordinates,
    cavity_half_width,
    in_wall_shell,
)

__all__ = [
    "Tissue",
    "camus_label",
    "in_atrium",
    "in_cavity",
    "on_mitral_leaflets",
    "on_papillary",
    "paint_annulus",
    "tissue_map",
]

Array = NDArray[np.float64]
SEPTUM_BELOW_VALVES = 3.5


class Tissue(IntEnum):
    """What scatters at a point."""

    SURROUNDING = 0
    BLOOD = 1
    MYOCARDIUM = 2
    ATRIAL_WALL = 3
    RIGHT_WALL = 4
    PERICARDIUM = 5
    LEAFLET = 6
    ANNULUS = 7
    PAPILLARY = 8


def camus_label(anatomy: Anatomy, x: Array, y: Array) -> NDArray[np.uint8]:
    """CAMUS ids at scan points (mm): 0 background, 1 LV cavity, 2 LV myocardium, 3 left atrium."""
    u, v = axis_coordinates(anatomy, x, y)
    label = np.zeros(u.shape, np.uint8)
    label[in_atrium(anatomy, u, v)] = 3
    label[in_wall_shell(anatomy, u, v)] = 2
    label[in_cavity(anatomy, u, v)] = 1
    return label


def tissue_map(anatomy: Anatomy, x: Array, y: Array) -> NDArray[np.uint8]:
    """`Tissue` codes at scan points (mm); later structures are painted over earlier ones."""
    u, v = axis_coordinates(anatomy, x, y)
    tissue = np.full(u.shape, Tissue.SURROUNDING, np.uint8)
    tissue[in_wall_shell(anatomy, u, v, extra=2.6)] = Tissue.PERICARDIUM
    tissue[in_atrium(anatomy, u, v, margin=3.0)] = Tissue.ATRIAL_WALL
    if anatomy.view is View.FOUR_CHAMBER:
        _paint_right_heart(anatomy, u, v, tissue)
    tissue[in_wall_shell(anatomy, u, v)] = Tissue.MYOCARDIUM
    paint_annulus(anatomy, u, v, tissue)
    tissue[in_atrium(anatomy, u, v)] = Tissue.BLOOD
    cavity = in_cavity(anatomy, u, v)
    tissue[cavity] = Tissue.BLOOD
    tissue[cavity & on_papillary(anatomy, u, v)] = Tissue.PAPILLARY
    tissue[on_mitral_leaflets(anatomy, u, v)] = Tissue.LEAFLET
    return tissue


def in_cavity(anatomy: Anatomy, u: Array, v: Array) -> NDArray[np.bool_]:
    """Points (heart coordinates) of the LV cavity."""
    return np.asarray(np.abs(v) < cavity_half_width(anatomy, u))


def in_atrium(anatomy: Anatomy, u: Array, v: Array, margin: float = 0.0) -> NDArray[np.bool_]:
    """Points (heart coordinates) of the left atrium grown by ``margin`` mm."""
    drift = anatomy.atrium_shift * np.clip(-u / anatomy.atrium_length, 0.0, 1.0)
    return np.asarray(np.abs(v - drift) < atrium_half_width(anatomy, u, margin))


def _paint_right_heart(anatomy: Anatomy, u: Array, v: Array, tissue: NDArray[np.uint8]) -> None:
    """Right ventricle and atrium on the picture's left, with their walls and the tricuspid leaflets."""
    septum = -cavity_half_width(anatomy, np.clip(u, 0.0, None), anatomy.wall_left, anatomy.wall_apex)
    reach = anatomy.right_reach * anatomy.length
    taper = np.clip(1.0 - np.clip(u / reach, 0.0, None) ** 1.5, 0.0, None)
    lateral = septum - anatomy.right_width * taper
    above = (u >= 0.0) & (u < reach + 4.0)
    tissue[above & (v < septum) & (v > lateral - 6.5)] = Tissue.PERICARDIUM
    tissue[above & (v < septum) & (v > lateral - 4.5)] = Tissue.RIGHT_WALL
    tissue[above & (v < septum) & (v > lateral) & (u < reach)] = Tissue.BLOOD
    neck = float(cavity_half_width(anatomy, np.zeros(1), anatomy.wall_left)[0])
    atrial_septum = -np.maximum(atrium_half_width(anatomy, u), neck - 6.0) - SEPTUM_BELOW_VALVES
    half_height, half_width = 0.46 * anatomy.atrium_length, 0.56 * anatomy.right_width
    q = np.hypot((u + half_height) / half_height, (v + neck + 0.45 * anatomy.right_width) / half_width)
    below = (u < 0.0) & (v < atrial_septum)
    tissue[below & (q < 1.13)] = Tissue.ATRIAL_WALL
    tissue[below & (q < 1.0)] = Tissue.BLOOD
    side = np.clip((-v - neck) / anatomy.right_width, 0.0, 1.0)
    valve = 3.0 + 5.0 * side * (1.0 - side) * (1.0 + anatomy.leaflet_opening)
    tissue[(v < -neck) & (v > -neck - anatomy.right_width) & (np.abs(u - valve) < 0.8)] = Tissue.LEAFLET


def paint_annulus(anatomy: Anatomy, u: Array, v: Array, tissue: NDArray[np.uint8]) -> None:
    """Bright fibrous corners where the mitral plane meets the wall."""
    neck = annulus_half_width(anatomy)
    for side, wall in ((-1.0, anatomy.wall_left), (1.0, anatomy.wall_right)):
        distance = np.hypot(u + 1.0, (v - side * (neck + 0.45 * wall)) * 0.8)
        tissue[distance < 4.2] = Tissue.ANNULUS


def on_papillary(anatomy: Anatomy, u: Array, v: Array) -> NDArray[np.bool_]:
    """Two muscle heads that lean on the walls at mid height; they belong to the cavity, as in CAMUS."""
    heads = np.zeros(u.shape, bool)
    for side, level in ((-1.0, 0.42), (1.0, 0.5)):
        height = level * anatomy.length
        center = side * (float(cavity_half_width(anatomy, np.full(1, height))[0]) - 0.6 * anatomy.papillary)
        heads |= np.hypot((u - height) / 2.6, v - center) < anatomy.papillary
    return heads


def on_mitral_leaflets(anatomy: Anatomy, u: Array, v: Array, thickness: float = 0.9) -> NDArray[np.bool_]:
    """Two leaflets hinged at the annulus; they close to a shallow tent and open into the cavity.

    Args:
        anatomy: left heart.
        u: height over the mitral plane in mm. v: distance from the axis in mm.
        thickness: half of their thickness in mm.
    """
    neck = annulus_half_width(anatomy)
    inward = np.clip((neck - np.abs(v)) / neck, 0.0, None)
    height = 0.5 + neck * np.tan(anatomy.leaflet_opening) * inward + 1.5 * np.sin(np.pi * inward)
    tip = np.cos(anatomy.leaflet_opening) * np.where(v < 0.0, 1.0, 0.85)
    return np.asarray(
        (np.abs(v) <= neck) & (inward <= tip) & (np.abs(u - height) < thickness / np.cos(anatomy.leaflet_opening))
    )
