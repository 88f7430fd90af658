"""Tissues, labels and acoustic window of the mid-esophageal four-chamber view.

Labels are the ids of an annotator who draws the four cavities and nothing else: 0 background, 1 left atrium, 2 left ventricle,
3 right atrium, 4 right ventricle. Leaflets, papillary muscles and the moderator band belong to the cavity they lie in.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monai_echosynth.data.builtin_labels import TEE_LABELS
from monai_echosynth.data.phantom.echogenicity import Scattering
from monai_echosynth.data.phantom.esophageal_anatomy import EsophagealAnatomy
from monai_echosynth.data.phantom.right_heart import (
    hinge,
    in_right_atrium,
    in_right_ventricle,
    septal_border,
    tricuspid_plane,
)
from monai_echosynth.data.phantom.scene import AcousticWindow
from monai_echosynth.data.phantom.tissue import (
    Tissue,
    in_atrium,
    in_cavity,
    on_mitral_leaflets,
    on_papillary,
    paint_annulus,
)
from monai_echosynth.data.phantom.ventricle import annulus_half_width, axis_coordinates, in_wall_shell

__all__ = ["EsophagealScene"]

Array = NDArray[np.float64]
LA, LV, RA, RV = (TEE_LABELS.id_of(name) for name in ("la", "lv", "ra", "rv"))

ESOPHAGEAL_WINDOW = AcousticWindow(
    edge_probability=0.6, rib_probability=0.0, drop_out=32.0, near=0.0, fade=0.5, patches=7
)


@dataclass(frozen=True)
class EsophagealScene:
    """The heart from the esophagus: no ribs, good contact, bright near field."""

    anatomy: EsophagealAnatomy
    window: AcousticWindow = ESOPHAGEAL_WINDOW

    def tissue(self, x: Array, y: Array) -> NDArray[np.uint8]:
        """`Tissue` codes at scan points (mm); later structures are painted over earlier ones."""
        anatomy, left, (u, v) = self.anatomy, self.anatomy.left, self._heart(x, y)
        tissue = np.full(u.shape, Tissue.SURROUNDING, np.uint8)
        _paint_outer_walls(anatomy, u, v, tissue)
        tissue[in_wall_shell(left, u, v)] = Tissue.MYOCARDIUM
        paint_annulus(left, u, v, tissue)
        _paint_tricuspid_hinges(anatomy, u, v, tissue)
        cavity = in_cavity(left, u, v)
        chambers = in_atrium(left, u, v) | cavity
        right_ventricle = in_right_ventricle(anatomy, u, v)
        tissue[chambers | right_ventricle | in_right_atrium(anatomy, u, v)] = Tissue.BLOOD
        tissue[cavity & on_papillary(left, u, v)] = Tissue.PAPILLARY
        tissue[right_ventricle & _on_moderator_band(anatomy, u, v)] = Tissue.PAPILLARY
        tissue[on_mitral_leaflets(left, u, v, 0.65) | _on_tricuspid_leaflets(anatomy, u, v)] = Tissue.LEAFLET
        return tissue

    def label(self, x: Array, y: Array) -> NDArray[np.uint8]:
        """Ids of the four chambers at scan points (mm)."""
        u, v = self._heart(x, y)
        label = np.zeros(u.shape, np.uint8)
        label[in_right_atrium(self.anatomy, u, v)] = RA
        label[in_right_ventricle(self.anatomy, u, v)] = RV
        label[in_atrium(self.anatomy.left, u, v)] = LA
        label[in_cavity(self.anatomy.left, u, v)] = LV
        return label

    def fat_db(self, scattering: Scattering, x: Array, y: Array) -> Array:
        """Extra brightness of the atrioventricular grooves at both lateral hinges, and of the far pericardium."""
        u, v = self._heart(x, y)
        mitral = annulus_half_width(self.anatomy.left) + 7.0
        tricuspid = -hinge(self.anatomy) - self.anatomy.right.width - 4.0
        grooves = sum(np.exp(-0.5 * (((u - 1.0) / 7.0) ** 2 + ((v - at) / 6.0) ** 2)) for at in (mitral, tricuspid))
        behind = (u - 0.75 * self.anatomy.left.length) / 20.0
        far = 0.5 * (1.0 + np.tanh(behind)) * ~in_wall_shell(self.anatomy.left, u, v)
        return np.asarray(scattering.groove * grooves + scattering.posterior * far)

    def _heart(self, x: Array, y: Array) -> tuple[Array, Array]:
        return axis_coordinates(self.anatomy.left, x, -y)


def _paint_outer_walls(anatomy: EsophagealAnatomy, u: Array, v: Array, tissue: NDArray[np.uint8]) -> None:
    """Free walls with the pericardium outside, and both septa's filling between the chambers."""
    left, right = anatomy.left, anatomy.right
    tissue[in_wall_shell(left, u, v, extra=2.6)] = Tissue.PERICARDIUM
    tissue[in_right_ventricle(anatomy, u, v, right.wall + 2.2)] = Tissue.PERICARDIUM
    tissue[in_right_ventricle(anatomy, u, v, right.wall)] = Tissue.RIGHT_WALL
    tissue[in_right_atrium(anatomy, u, v, 2.8)] = Tissue.ATRIAL_WALL
    tissue[in_atrium(left, u, v, margin=3.0)] = Tissue.ATRIAL_WALL
    between = (u < 0.0) & (u > -0.85 * left.atrium_length) & (v < 0.0) & (v > septal_border(anatomy, u) - 0.1)
    tissue[between & (np.abs(v) < hinge(anatomy) + 12.0)] = Tissue.ATRIAL_WALL
    crux = np.hypot((u - 0.4 * right.valve_offset) / 1.3, v + hinge(anatomy) - 4.5)
    tissue[crux < 4.0] = Tissue.ANNULUS


def _paint_tricuspid_hinges(anatomy: EsophagealAnatomy, u: Array, v: Array, tissue: NDArray[np.uint8]) -> None:
    """Bright fibrous points where the tricuspid leaflets hang."""
    lateral = -hinge(anatomy) - anatomy.right.width
    plane = float(tricuspid_plane(anatomy, np.full(1, lateral))[0])
    tissue[np.hypot(u - plane, v - lateral + 2.0) < 3.6] = Tissue.ANNULUS


def _on_moderator_band(anatomy: EsophagealAnatomy, u: Array, v: Array) -> NDArray[np.bool_]:
    """A strand of muscle from the septum to the free wall of the right ventricle."""
    height = anatomy.right.band * anatomy.right.reach * anatomy.left.length
    return np.asarray(np.abs(u - height + 0.3 * (v + hinge(anatomy))) < 1.2)


def _on_tricuspid_leaflets(anatomy: EsophagealAnatomy, u: Array, v: Array) -> NDArray[np.bool_]:
    """Two thin leaflets hinged at septum and free wall; they close to a shallow tent and open into the ventricle."""
    half = 0.5 * anatomy.right.width
    across = -v - hinge(anatomy) - half
    inward = np.clip((half - np.abs(across)) / half, 0.0, None)
    opening = anatomy.right.leaflet_opening
    height = tricuspid_plane(anatomy, v) + half * np.tan(opening) * inward + 1.2 * np.sin(np.pi * inward)
    tip = np.cos(opening) * np.where(across < 0.0, 0.8, 1.0)
    return np.asarray((np.abs(across) <= half) & (inward <= tip) & (np.abs(u - height) < 0.65 / np.cos(opening)))
