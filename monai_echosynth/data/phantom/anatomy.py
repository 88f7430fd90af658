"""Parametric heart: the numbers that tell one patient, view and phase from another.

Lengths are in mm. The left ventricle (LV) is a truncated egg of length ``length`` and largest half width ``radius``;
its apex stays near the probe while the mitral plane moves, as in the beating heart. From end diastole (ED) to end
systole (ES) the cavity shortens by ``1 - 0.28 e`` and narrows so that its volume falls by exactly the ejection fraction ``e``;
the wall thickens and the left atrium fills.

References:
    Lang et al., Recommendations for Cardiac Chamber Quantification by Echocardiography in Adults, 2015.
    https://doi.org/10.1016/j.echo.2014.10.003
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

__all__ = ["Anatomy", "Patient", "Phase", "View", "contract", "sample_patient"]


class View(StrEnum):
    """Apical view."""

    TWO_CHAMBER = "2CH"
    FOUR_CHAMBER = "4CH"


class Phase(StrEnum):
    """Instant of the cardiac cycle."""

    ED = "ED"
    ES = "ES"


@dataclass(frozen=True)
class Anatomy:
    """Geometry of one frame (mm, radians).

    Attributes:
        view: apical view; the right heart is drawn in the four-chamber view only.
        apex_x, apex_y: LV cavity apex in scan coordinates.
        tilt: angle of the long axis against the vertical, positive when the base lies right of the apex.
        bend: largest sideways bow of the long axis.
        length, radius: LV cavity length and largest half width.
        widest: where the cavity is widest, as a fraction of the length from the base.
        roundness: exponent of the apical profile; 2 is an ellipse, more is blunter.
        ripple: relative amplitudes of three harmonics of the half width.
        wall_left, wall_right, wall_apex: wall thickness.
        annulus_bow: how far the mitral plane bulges (positive: towards the atrium).
        atrium_length, atrium_radius, atrium_shift: left atrium below the mitral plane.
        right_width, right_reach: RV width at the base and its height as a fraction of the LV length.
        leaflet_opening: angle of the mitral leaflets against the mitral plane.
        papillary: radius of the papillary muscle heads.
    """

    view: View
    apex_x: float
    apex_y: float
    tilt: float
    bend: float
    length: float
    radius: float
    widest: float
    roundness: float
    ripple: tuple[float, float, float]
    wall_left: float
    wall_right: float
    wall_apex: float
    annulus_bow: float
    atrium_length: float
    atrium_radius: float
    atrium_shift: float
    right_width: float
    right_reach: float
    leaflet_opening: float
    papillary: float


@dataclass(frozen=True)
class Patient:
    """One virtual patient.

    Attributes:
        ejection_fraction: fraction of the end-diastolic volume that leaves the LV, in [0.35, 0.70].
        age: years.
        sex: ``F`` or ``M``.
        end_diastole: anatomy by view at ED.
    """

    ejection_fraction: float
    age: int
    sex: str
    end_diastole: dict[View, Anatomy]

    def anatomy(self, view: View, phase: Phase) -> Anatomy:
        """The heart as it lies in the picture in one view at one phase."""
        relaxed = self.end_diastole[view]
        return relaxed if phase is Phase.ED else contract(relaxed, self.ejection_fraction)


def contract(anatomy: Anatomy, ejection_fraction: float) -> Anatomy:
    """Move an end-diastolic anatomy to end systole; the volume of the LV shrinks by ``ejection_fraction``."""
    shortening = 1.0 - 0.28 * ejection_fraction
    narrowing = float(np.sqrt((1.0 - ejection_fraction) / shortening))
    thickening = 1.0 + 0.75 * ejection_fraction
    filling = 1.0 + 0.35 * ejection_fraction
    return replace(
        anatomy,
        length=anatomy.length * shortening,
        radius=anatomy.radius * narrowing,
        wall_left=anatomy.wall_left * thickening,
        wall_right=anatomy.wall_right * thickening,
        wall_apex=anatomy.wall_apex * (1.0 + 0.5 * ejection_fraction),
        atrium_length=anatomy.atrium_length * filling,
        atrium_radius=anatomy.atrium_radius * (1.0 + 0.15 * ejection_fraction),
        right_width=anatomy.right_width * (1.0 - 0.3 * ejection_fraction),
        leaflet_opening=0.08,
        papillary=anatomy.papillary * 0.9,
    )


def sample_patient(rng: np.random.Generator) -> Patient:
    """Draw a patient: both views share size, wall, ejection fraction and position up to small view differences."""
    length, radius = rng.normal(85.0, 7.5), rng.normal(24.5, 2.8)
    wall = float(np.clip(rng.normal(9.2, 1.3), 6.5, 13.0))
    atrium = rng.normal(44.0, 5.0), rng.normal(19.5, 2.5)
    common = float(np.clip(length, 68.0, 100.0)), float(np.clip(radius, 18.0, 31.0)), wall, atrium
    views = {view: _sample_view(rng, view, *common) for view in View}
    return Patient(
        ejection_fraction=float(rng.uniform(0.36, 0.69)),
        age=int(rng.integers(25, 88)),
        sex=str(rng.choice(["F", "M"])),
        end_diastole=views,
    )


def _sample_view(
    rng: np.random.Generator, view: View, length: float, radius: float, wall: float, atrium: tuple[float, float]
) -> Anatomy:
    """Draw the end-diastolic anatomy of one view around the sizes that the patient's views share."""
    four = view is View.FOUR_CHAMBER
    foreshortening = 1.0 - abs(rng.normal(0.0, 0.05))
    first, second, third = rng.normal(0.0, [0.035, 0.02, 0.012])
    aside = float(rng.normal(0.0, 3.5))
    return Anatomy(
        view=view,
        apex_x=aside + (2.5 if four else 0.0),
        apex_y=float(rng.uniform(16.0, 25.0)) + 1.2 * max(radius - 22.0, 0.0),
        tilt=float(np.deg2rad(rng.normal(3.0 if four else -1.0, 4.5) - 0.5 * aside)),
        bend=float(rng.normal(0.0, 2.2)),
        length=length * foreshortening,
        radius=radius * rng.normal(1.0, 0.05),
        widest=float(rng.uniform(0.25, 0.42)),
        roundness=float(rng.uniform(1.9, 2.7)),
        ripple=(float(first), float(second), float(third)),
        wall_left=wall * rng.normal(1.05, 0.07),
        wall_right=wall * rng.normal(0.97, 0.07),
        wall_apex=wall * rng.uniform(0.65, 0.95),
        annulus_bow=float(rng.normal(1.0, 1.2)),
        atrium_length=float(np.clip(atrium[0] * rng.normal(1.0, 0.06), 28.0, 62.0)),
        atrium_radius=float(np.clip(atrium[1] * rng.normal(1.0, 0.06), 13.0, 29.0)),
        atrium_shift=float(rng.normal(0.0, 1.5)),
        right_width=float(np.clip(rng.normal(29.0, 5.0), 17.0, 42.0)),
        right_reach=float(rng.uniform(0.62, 0.85)),
        leaflet_opening=float(rng.uniform(0.25, 0.95)),
        papillary=float(rng.uniform(0.3, 4.2)),
    )
