"""Closed-form outlines of the right heart of a transesophageal four-chamber view, in the coordinates of the left heart.

``u`` runs from the mitral plane towards the apex and ``v`` to the picture's right; the right heart lies at negative ``v``. The
septum is not drawn: it is what remains between the ventricles' and between the atria's outlines.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from monai_echosynth.data.phantom.anatomy import Anatomy
from monai_echosynth.data.phantom.esophageal_anatomy import EsophagealAnatomy
from monai_echosynth.data.phantom.ventricle import atrium_half_width, cavity_half_width

__all__ = ["hinge", "in_right_atrium", "in_right_ventricle", "septal_border", "tricuspid_plane"]

Array = NDArray[np.float64]

BLUNT = 0.12
"""Width, relative to the base, at which the apex of the right ventricle ends."""


def hinge(anatomy: EsophagealAnatomy) -> float:
    """Distance of the septal tricuspid hinge from the long axis in mm."""
    return float(_shell(anatomy.left, np.zeros(1))[0])


def tricuspid_plane(anatomy: EsophagealAnatomy, v: Array) -> Array:
    """Height ``u`` of the tricuspid plane at ``v``."""
    right = anatomy.right
    aside = np.clip(-v - hinge(anatomy), 0.0, right.width)
    return np.asarray(right.valve_offset + right.valve_slope * aside)


def septal_border(anatomy: EsophagealAnatomy, u: Array) -> Array:
    """Right-hand border ``v`` of the right heart: interventricular septum, central fibrous body, interatrial septum."""
    left, right = anatomy.left, anatomy.right
    depth = np.clip(-u, 0.0, None)
    fossa = 1.0 - 0.55 * np.exp(-0.5 * ((depth - 0.5 * left.atrium_length) / (0.13 * left.atrium_length)) ** 2)
    drift = left.atrium_shift * np.clip(depth / left.atrium_length, 0.0, 1.0)
    atrial = atrium_half_width(left, u) - drift + right.septum * fossa
    fibrous = hinge(anatomy) - 0.9 * depth
    return np.asarray(-np.where(u > 0.0, _shell(left, np.clip(u, 0.0, None)), np.maximum(atrial, fibrous)))


def in_right_ventricle(anatomy: EsophagealAnatomy, u: Array, v: Array, margin: float = 0.0) -> NDArray[np.bool_]:
    """Points of the right ventricle below the tricuspid plane, its free wall moved outwards by ``margin`` mm."""
    right = anatomy.right
    plane = tricuspid_plane(anatomy, v)
    reach = right.reach * anatomy.left.length + margin
    s = np.clip((u - plane) / (reach - plane), 0.0, 1.0)
    waves = sum(size * np.sin(k * np.pi * s) for k, size in enumerate(right.ripple, start=2))
    width = right.width * (1.0 - s**2.0) ** 0.6 * (1.0 + right.bulge * np.sin(np.pi * s) + waves)
    septum = septal_border(anatomy, u)
    open_ = width > BLUNT * right.width
    return np.asarray((v < septum) & (v > septum - width - margin) & (u >= plane) & open_)


def in_right_atrium(anatomy: EsophagealAnatomy, u: Array, v: Array, margin: float = 0.0) -> NDArray[np.bool_]:
    """Points of the right atrium above the tricuspid plane, its free wall moved outwards by ``margin`` mm."""
    right = anatomy.right
    center_u = right.valve_offset - right.atrium_center * right.atrium_length
    center_v = -hinge(anatomy) - 0.5 * right.width
    half_u, half_v = (1.0 - right.atrium_center) * right.atrium_length + margin, 0.56 * right.atrium_width + margin
    across, along = (v - center_v) / half_v, (u - center_u) / half_u
    waves = sum(size * np.cos(k * np.arctan2(across, along)) for k, size in enumerate(right.atrium_ripple, start=2))
    inside = np.hypot(along, across) < 1.0 + waves
    return np.asarray(inside & (v < septal_border(anatomy, u)) & (u < tricuspid_plane(anatomy, v)))


def _shell(left: Anatomy, u: Array) -> Array:
    """Half width of the left ventricle with its septal wall."""
    return cavity_half_width(left, u, left.wall_left, left.wall_apex)
