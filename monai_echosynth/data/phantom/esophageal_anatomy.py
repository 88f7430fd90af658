"""The heart seen from the esophagus: mid-esophageal four-chamber view.

The probe lies behind the left atrium (LA), so the picture shows the atria on top and the apex at the bottom, the right heart on
the left. The left heart is the parametric one of ``anatomy``, mirrored in depth: its coordinates (u towards the apex, v to the
picture's right) come from scan points (x, -y). The right heart is described beside it:

    right ventricle:  s = (u - u_t) / (reach - u_t) in [0, 1],  width  W (1 - s^2)^0.6 (1 + bulge sin(pi s) + ripple),

measured from the septum, with the tricuspid plane u_t a few millimeters nearer to the apex than the mitral one; the right atrium
is an ellipse above that plane, flattened by the interatrial septum, which is thinnest at the oval fossa.

References:
    Hahn et al., Guidelines for Performing a Comprehensive Transesophageal Echocardiographic Examination, 2013.
    https://doi.org/10.1016/j.echo.2013.07.009
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from monai_echosynth.data.phantom.anatomy import Anatomy, Phase, View, contract

__all__ = ["EsophagealAnatomy", "EsophagealPatient", "EsophagealView", "RightHeart", "sample_esophageal_patient"]


class EsophagealView(StrEnum):
    """View from the esophagus."""

    FOUR_CHAMBER = "ME4C"


@dataclass(frozen=True)
class RightHeart:
    """Right ventricle and atrium (mm, radians), in the coordinates of the left heart.

    Attributes:
        width: RV width at the tricuspid plane.
        reach: RV height as a fraction of the LV length.
        bulge: relative bulge of the free wall.
        wall: thickness of the free wall.
        valve_offset: how far the tricuspid plane lies towards the apex from the mitral plane.
        valve_slope: drop of the plane per mm towards the free wall (negative: towards the atrium).
        leaflet_opening: angle of the tricuspid leaflets against their plane.
        atrium_length, atrium_width: right atrium.
        atrium_center: its center above the tricuspid plane as a fraction of its length.
        septum: thickness of the interatrial septum.
        band: position of the moderator band as a fraction of the RV height.
        ripple: relative waves of the RV free wall, two and three half waves from base to apex.
        atrium_ripple: the same of the RA outline, two and three waves around it.
    """

    width: float
    reach: float
    bulge: float
    wall: float
    valve_offset: float
    valve_slope: float
    leaflet_opening: float
    atrium_length: float
    atrium_width: float
    atrium_center: float
    septum: float
    band: float
    ripple: tuple[float, float]
    atrium_ripple: tuple[float, float]


@dataclass(frozen=True)
class EsophagealAnatomy:
    """Geometry of one frame: the left heart in mirrored scan coordinates (x, -y), and the right heart beside it."""

    left: Anatomy
    right: RightHeart


@dataclass(frozen=True)
class EsophagealPatient:
    """One virtual patient.

    Attributes:
        ejection_fraction: fraction of the end-diastolic LV volume that leaves it, in [0.30, 0.70].
        end_diastole: anatomy at ED.
    """

    ejection_fraction: float
    end_diastole: EsophagealAnatomy

    def anatomy(self, phase: Phase) -> EsophagealAnatomy:
        """The heart as it lies in the picture at one phase."""
        relaxed = self.end_diastole
        if phase is Phase.ED:
            return relaxed
        fraction = self.ejection_fraction
        return EsophagealAnatomy(contract(relaxed.left, fraction), _contract_right(relaxed.right, fraction))


def _contract_right(right: RightHeart, fraction: float) -> RightHeart:
    """Right heart at end systole: the ventricle shortens and narrows, the atrium fills."""
    return replace(
        right,
        width=right.width * (1.0 - 0.32 * fraction),
        wall=right.wall * (1.0 + 0.5 * fraction),
        valve_offset=right.valve_offset * 0.7,
        leaflet_opening=0.1,
        atrium_length=right.atrium_length * (1.0 + 0.2 * fraction),
        atrium_width=right.atrium_width * (1.0 + 0.12 * fraction),
    )


def sample_esophageal_patient(rng: np.random.Generator) -> EsophagealPatient:
    """Draw a patient: chamber sizes, position under the probe, rotation and septal tilt."""
    left = _sample_left(rng)
    overload = float(np.clip(rng.normal(1.0, 0.2), 0.65, 1.55))
    right = RightHeart(
        width=float(np.clip(rng.normal(36.0, 4.5) * overload, 22.0, 54.0)),
        reach=float(rng.uniform(0.58, 0.95)),
        bulge=float(rng.uniform(-0.08, 0.32)),
        wall=float(np.clip(rng.normal(4.2, 0.8), 2.8, 6.5)),
        valve_offset=float(rng.uniform(3.0, 8.5)),
        valve_slope=float(rng.normal(-0.06, 0.07)),
        leaflet_opening=float(rng.uniform(0.25, 0.9)),
        atrium_length=float(np.clip(rng.normal(46.0, 5.5) * overload, 30.0, 66.0)),
        atrium_width=float(np.clip(rng.normal(41.0, 5.0) * overload, 27.0, 62.0)),
        atrium_center=float(rng.uniform(0.30, 0.42)),
        septum=float(np.clip(rng.normal(5.0, 1.0), 3.2, 8.0)),
        band=float(rng.uniform(0.5, 0.75)),
        ripple=(float(rng.normal(0.0, 0.08)), float(rng.normal(0.0, 0.05))),
        atrium_ripple=(float(rng.normal(0.0, 0.06)), float(rng.normal(0.0, 0.04))),
    )
    return EsophagealPatient(float(rng.uniform(0.32, 0.68)), EsophagealAnatomy(left, right))


def _sample_left(rng: np.random.Generator) -> Anatomy:
    """End-diastolic left heart with its atrial roof a few millimeters under the probe."""
    tilt = float(np.deg2rad(np.clip(rng.normal(12.0, 9.0), -10.0, 32.0)))
    length = float(np.clip(rng.normal(77.0, 7.0) * (1.0 - abs(rng.normal(0.0, 0.05))), 58.0, 95.0))
    radius = float(np.clip(rng.normal(23.5, 2.8), 17.5, 31.0))
    wall = float(np.clip(rng.normal(9.4, 1.4), 6.5, 13.5))
    atrium_length = float(np.clip(rng.normal(47.0, 7.0), 32.0, 66.0))
    roof = float(rng.normal(8.5, 3.0)), float(rng.uniform(3.5, 8.0))
    reach = atrium_length + length
    ripple = rng.normal(0.0, [0.04, 0.025, 0.015])
    return Anatomy(
        view=View.FOUR_CHAMBER,
        apex_x=roof[0] + reach * float(np.sin(tilt)),
        apex_y=-(roof[1] + reach * float(np.cos(tilt))),
        tilt=-tilt,
        bend=float(rng.normal(0.0, 2.5)),
        length=length,
        radius=radius,
        widest=float(rng.uniform(0.22, 0.42)),
        roundness=float(rng.uniform(1.9, 2.8)),
        ripple=(float(ripple[0]), float(ripple[1]), float(ripple[2])),
        wall_left=wall * rng.normal(1.0, 0.07),
        wall_right=wall * rng.normal(0.95, 0.07),
        wall_apex=wall * rng.uniform(0.6, 0.95),
        annulus_bow=float(rng.normal(1.0, 1.2)),
        atrium_length=atrium_length,
        atrium_radius=float(np.clip(rng.normal(22.0, 3.8), 14.0, 33.0)),
        atrium_shift=float(rng.normal(0.0, 4.0)),
        right_width=0.0,
        right_reach=0.0,
        leaflet_opening=float(rng.uniform(0.25, 0.95)),
        papillary=float(rng.uniform(0.3, 4.0)),
    )
