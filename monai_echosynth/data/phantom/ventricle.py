"""Heart coordinates and closed-form outlines of the left ventricle and atrium.

A point is described by ``u``, its height over the (bowed) mitral plane along the long axis in mm, and ``v``, its
sideways distance from the (bent) axis, positive to the picture's right. With L the length, R the radius, b the height of the
widest level and p the roundness, the half width of the cavity is

    w(u) = R (1 - |(u - b) / (L - b)|^p)^(1/2) (1 + sum_k a_k sin(k pi u / L)),    0 <= u <= L,

and the outer border of the wall is the same profile with R and L - b enlarged by the wall thickness.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from monai_echosynth.data.phantom.anatomy import Anatomy

__all__ = [
    "annulus_half_width",
    "atrium_half_width",
    "axis_coordinates",
    "cavity_half_width",
    "cavity_volume",
    "in_wall_shell",
]

Array = NDArray[np.float64]


def axis_coordinates(anatomy: Anatomy, x: Array, y: Array) -> tuple[Array, Array]:
    """Height over the mitral plane and signed distance from the long axis of scan points, all in mm."""
    sine, cosine = np.sin(anatomy.tilt), np.cos(anatomy.tilt)
    dx, dy = x - anatomy.apex_x, y - anatomy.apex_y
    u = anatomy.length - (dx * sine + dy * cosine)
    v = dx * cosine - dy * sine
    v = v - anatomy.bend * np.sin(np.pi * np.clip(u / anatomy.length, -0.5, 1.0))
    dome = np.clip(1.0 - (v / annulus_half_width(anatomy)) ** 2, 0.0, None)
    return u + anatomy.annulus_bow * dome, v


def cavity_half_width(anatomy: Anatomy, u: Array, margin: float = 0.0, apical_margin: float = 0.0) -> Array:
    """Half width of the LV cavity at height ``u``, grown by ``margin`` sideways; 0 beyond apex and base."""
    base = anatomy.widest * anatomy.length
    apical = u > base
    reach = np.where(apical, anatomy.length - base + apical_margin, anatomy.length - base)
    profile = np.clip(1.0 - np.abs((u - base) / reach) ** anatomy.roundness, 0.0, None) ** 0.5
    phase = np.pi * np.clip(u / (anatomy.length + apical_margin), 0.0, 1.0)
    ripple = sum(a * np.sin((k + 1) * phase) for k, a in enumerate(anatomy.ripple))
    width = np.where(apical, (anatomy.radius + margin) * profile, anatomy.radius * profile + margin)
    return np.asarray(np.where(u >= 0.0, width * (1.0 + ripple), 0.0))


def annulus_half_width(anatomy: Anatomy) -> float:
    """Half width of the cavity at the mitral plane in mm."""
    return float(cavity_half_width(anatomy, np.zeros(1))[0])


def in_wall_shell(anatomy: Anatomy, u: Array, v: Array, extra: float = 0.0) -> NDArray[np.bool_]:
    """Points above the mitral plane within the outer wall border moved outwards by ``extra`` mm (cavity included)."""
    apical = anatomy.wall_apex + extra
    left = cavity_half_width(anatomy, u, anatomy.wall_left + extra, apical)
    right = cavity_half_width(anatomy, u, anatomy.wall_right + extra, apical)
    return np.asarray((v > -left) & (v < right) & (u >= 0.0))


def atrium_half_width(anatomy: Anatomy, u: Array, margin: float = 0.0) -> Array:
    """Half width of the left atrium at depth ``-u`` below the mitral plane, grown by ``margin``; 0 outside."""
    radius = anatomy.atrium_radius
    neck = min(0.88 * annulus_half_width(anatomy), 0.98 * radius)
    middle = 0.45 * anatomy.atrium_length
    ratio = 1.0 - (neck / radius) ** 2
    depth = -u
    upper = 1.0 - ratio * np.clip((middle - depth) / middle, 0.0, None) ** 2
    lower = np.clip((depth - middle) / (anatomy.atrium_length - middle + margin), 0.0, 1.0)
    profile = np.where(depth < middle, upper, 1.0 - lower**2.4)
    width = (radius + margin) * np.clip(profile, 0.0, None) ** 0.5
    return np.asarray(np.where((depth > 0.0) & (depth < anatomy.atrium_length + margin), width, 0.0))


def cavity_volume(first: Anatomy, second: Anatomy, disks: int = 200) -> float:
    """Biplane volume in ml by the method of disks: the two views give the axes of elliptic slices.

    The longer of the two lengths is used, since foreshortening can only shorten.
    """
    fraction = (np.arange(disks) + 0.5) / disks
    widths = [cavity_half_width(view, fraction * view.length) for view in (first, second)]
    return float(np.pi * np.mean(widths[0] * widths[1]) * max(first.length, second.length) / 1000.0)
