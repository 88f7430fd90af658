"""Parametric heart: topology of the labels, ejection and the volume formula."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from monai_echosynth.data.phantom import Anatomy, Patient, Phase, View, plan_patient
from monai_echosynth.data.phantom.tissue import Tissue, camus_label, tissue_map
from monai_echosynth.data.phantom.ventricle import cavity_volume

STEP = 0.75
X, Y = np.meshgrid(np.arange(-130.0, 130.0, STEP), np.arange(-20.0, 220.0, STEP), indexing="ij")
PATIENTS = [plan_patient(seed, index).patient for seed in (0, 7) for index in range(1, 7)]
HEARTS = [patient.anatomy(view, phase) for patient in PATIENTS for view in View for phase in Phase]


def _grown(mask: np.ndarray) -> np.ndarray:
    return np.asarray(ndimage.binary_dilation(mask))


@pytest.fixture(scope="module")
def labels() -> list[np.ndarray]:
    """Unclipped labels of all hearts."""
    return [camus_label(heart, X, Y) for heart in HEARTS]


def test_each_structure_is_one_piece_without_holes(labels: list[np.ndarray]) -> None:
    for label in labels:
        for structure in (label == 1, label == 2, label == 3, (label == 1) | (label == 2)):
            assert structure.any()
            assert ndimage.label(structure, np.ones((3, 3)))[1] == 1
        for filled in (label == 1, label == 3, (label == 1) | (label == 2)):
            assert np.array_equal(ndimage.binary_fill_holes(filled), filled)


def test_myocardium_encloses_the_cavity_up_to_the_mitral_plane(labels: list[np.ndarray]) -> None:
    for heart, label in zip(HEARTS, labels, strict=True):
        cavity, background = label == 1, label == 0
        open_rim = np.argwhere(_grown(cavity) & background)
        along = np.array([np.sin(heart.tilt), np.cos(heart.tilt)])
        points = open_rim * STEP + [X[0, 0], Y[0, 0]] - [heart.apex_x, heart.apex_y]
        assert (points @ along > heart.length - 5.0).all()


def test_atrium_touches_the_cavity_but_never_the_apex(labels: list[np.ndarray]) -> None:
    for heart, label in zip(HEARTS, labels, strict=True):
        contact = _grown(label == 3) & (label == 1)
        assert contact.sum() * STEP > 0.8 * heart.radius
        assert Y[label == 3].mean() > Y[label == 1].mean() > Y[label > 0].min()


def test_label_and_tissue_agree(labels: list[np.ndarray]) -> None:
    for heart, label in zip(HEARTS[:8], labels[:8], strict=True):
        tissue = tissue_map(heart, X, Y)
        assert np.isin(tissue[label == 1], [Tissue.BLOOD, Tissue.PAPILLARY, Tissue.LEAFLET]).all()
        assert (tissue[label == 3] == Tissue.BLOOD).mean() > 0.97
        assert (tissue[label == 2] == Tissue.MYOCARDIUM).mean() > 0.85


def test_right_heart_is_drawn_in_the_four_chamber_view_only() -> None:
    for heart in HEARTS[:8]:
        blood = (tissue_map(heart, X, Y) == Tissue.BLOOD) & (camus_label(heart, X, Y) == 0)
        area = blood.sum() * STEP**2
        assert area > 700.0 if heart.view is View.FOUR_CHAMBER else area < 20.0


def _volumes(patient: Patient) -> tuple[float, float]:
    diastole, systole = (
        cavity_volume(patient.anatomy(View.TWO_CHAMBER, p), patient.anatomy(View.FOUR_CHAMBER, p)) for p in Phase
    )
    return diastole, systole


def test_volume_falls_by_the_ejection_fraction() -> None:
    for patient in PATIENTS:
        diastole, systole = _volumes(patient)
        assert 1.0 - systole / diastole == pytest.approx(patient.ejection_fraction, abs=1e-9)
        assert 0.35 <= patient.ejection_fraction <= 0.70
        assert 40.0 < diastole < 300.0


def test_volume_matches_a_half_ellipsoid() -> None:
    base = PATIENTS[0].end_diastole[View.FOUR_CHAMBER]
    fields = {**vars(base), "widest": 0.0, "roundness": 2.0, "ripple": (0.0, 0.0, 0.0), "length": 80.0, "radius": 25.0}
    half_ellipsoid = Anatomy(**fields)
    expected = 2.0 / 3.0 * np.pi * 25.0**2 * 80.0 / 1000.0
    assert cavity_volume(half_ellipsoid, half_ellipsoid) == pytest.approx(expected, rel=1e-4)


def test_systole_shrinks_the_cavity_thickens_the_wall_and_fills_the_atrium(labels: list[np.ndarray]) -> None:
    areas = np.array([[(label == k).sum() for k in (1, 2, 3)] for label in labels], float)
    diastole, systole = areas[0::2], areas[1::2]
    assert (systole[:, 0] < 0.85 * diastole[:, 0]).all()
    assert (systole[:, 2] > 1.01 * diastole[:, 2]).all()
    assert all(es.wall_left > 1.2 * ed.wall_left for ed, es in zip(HEARTS[0::2], HEARTS[1::2], strict=True))
