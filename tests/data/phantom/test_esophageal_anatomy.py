"""Four chambers from the esophagus: topology, position and contraction over a population."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from monai_echosynth.data.builtin_labels import TEE_LABELS
from monai_echosynth.data.phantom import ESOPHAGEAL_STYLES, EsophagealPlan, Phase, plan_esophageal
from monai_echosynth.data.phantom.esophageal_scene import EsophagealScene
from monai_echosynth.data.phantom.geometry import ScanGeometry
from monai_echosynth.data.phantom.tissue import Tissue

PLANS = [plan_esophageal(seed, index) for seed in (0, 7) for index in range(1, 21)]
LA, LV, RA, RV = (TEE_LABELS.id_of(name) for name in ("la", "lv", "ra", "rv"))
CHAMBERS = (LA, LV, RA, RV)
FRAMES = [(plan, phase) for plan in PLANS for phase in Phase]


def drawn(plan: EsophagealPlan, phase: Phase, width: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Label, x and depth in mm of a picture without its speckle."""
    geometry = ScanGeometry(ESOPHAGEAL_STYLES[plan.style].opening, plan.depth)
    grid = geometry.cartesian(width)
    x, y = np.broadcast_arrays(grid.x, grid.y)
    label = EsophagealScene(plan.patient.anatomy(phase)).label(x, y)
    return np.where(geometry.inside(x, y), label, 0), x, y


@pytest.fixture(scope="module")
def pictures() -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """All frames at low resolution."""
    return [drawn(plan, phase, 80) for plan, phase in FRAMES]


def test_all_four_chambers_are_there_in_one_piece(pictures: list[tuple[np.ndarray, ...]]) -> None:
    for (plan, phase), (label, x, _) in zip(FRAMES, pictures, strict=True):
        pixel = float(x[1, 0] - x[0, 0]) ** 2
        for chamber in CHAMBERS:
            where = f"chamber {chamber} of patient {plan.index} at {phase}"
            assert (label == chamber).sum() * pixel > 250.0, where
            assert ndimage.label(label == chamber, np.ones((3, 3)))[1] == 1, where
            assert np.array_equal(ndimage.binary_fill_holes(label == chamber), label == chamber), where


def test_the_left_atrium_is_nearest_to_the_probe_and_the_right_heart_on_the_left(
    pictures: list[tuple[np.ndarray, ...]],
) -> None:
    nearest = [[float(np.hypot(x, y)[label == chamber].min()) for chamber in CHAMBERS] for label, x, y in pictures]
    assert max(row[0] for row in nearest) < 20.0
    assert np.mean([row[0] == min(row) for row in nearest]) > 0.8, "a turned heart may bring the right atrium nearer"
    for label, x, y in pictures:
        across = {chamber: float(x[label == chamber].mean()) for chamber in CHAMBERS}
        depth = {chamber: float(y[label == chamber].mean()) for chamber in CHAMBERS}
        assert across[RA] < across[LA] - 15.0 and across[RV] < across[LV] - 15.0
        assert depth[LA] < depth[LV] and depth[RA] < depth[RV]


def test_septa_part_left_from_right_and_valves_join_atrium_and_ventricle() -> None:
    for plan, phase in FRAMES[::9]:
        label, _, _ = drawn(plan, phase, 200)

        def contact(first: int, second: int, label: np.ndarray = label) -> int:
            return int((ndimage.binary_dilation(label == first) & (label == second)).sum())

        assert contact(LA, RA) == contact(LV, RV) == contact(LA, RV) == contact(LV, RA) == 0
        assert contact(LA, LV) > 10 and contact(RA, RV) > 10


def test_labels_mark_blood_and_what_hangs_in_it() -> None:
    for plan, phase in FRAMES[::16]:
        scene = EsophagealScene(plan.patient.anatomy(phase))
        label, x, y = drawn(plan, phase, 160)
        tissue = scene.tissue(x, y)
        assert np.isin(tissue[label > 0], [Tissue.BLOOD, Tissue.PAPILLARY, Tissue.LEAFLET]).all()
        assert (tissue[label > 0] == Tissue.BLOOD).mean() > 0.85
        assert not (tissue[label == 0] == Tissue.BLOOD).all()


def test_systole_empties_the_ventricles_and_fills_the_atria(pictures: list[tuple[np.ndarray, ...]]) -> None:
    areas = np.array([[(label == chamber).sum() for chamber in CHAMBERS] for label, _, _ in pictures], float)
    change = dict(zip(CHAMBERS, (areas[1::2] / areas[0::2]).T, strict=True))
    assert (change[LV] < 0.9).all() and (change[RV] < 1.0).all()
    assert (change[LA] > 1.0).all() and np.median(change[RA]) > 1.03


def test_anatomy_varies() -> None:
    hearts = [plan.patient.end_diastole for plan in PLANS]
    tilt = np.rad2deg([heart.left.tilt for heart in hearts])
    assert tilt.std() > 3.0
    for sizes in (
        [h.left.length for h in hearts],
        [h.right.width for h in hearts],
        [h.right.atrium_width for h in hearts],
    ):
        assert np.std(sizes) > 0.06 * np.mean(sizes)
    assert len({plan.style for plan in PLANS}) == len(ESOPHAGEAL_STYLES)
    assert len({plan.patient for plan in PLANS}) == len(PLANS)
