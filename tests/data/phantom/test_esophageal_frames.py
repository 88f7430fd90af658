"""Simulated frames from the esophagus: contrast, sector, styles, determinism and files."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from monai_echosynth.data.builtin_labels import TEE_LABELS
from monai_echosynth.data.folder_labels import folder_labels
from monai_echosynth.data.phantom import (
    ESOPHAGEAL_STYLES,
    EsophagealPlan,
    EsophagealStyleName,
    PhantomFrame,
    Phase,
    plan_esophageal,
    render_esophageal,
    write_phantom,
)
from monai_echosynth.data.phantom.esophageal_scene import EsophagealScene
from monai_echosynth.data.phantom.geometry import ScanGeometry
from monai_echosynth.data.phantom.tissue import Tissue
from monai_echosynth.data.phantom.writer import _Request
from monai_echosynth.data.sector_mask import sector_mask
from monai_echosynth.errors import EchoSynthError

WIDTH = 128


@pytest.fixture(scope="module")
def population() -> list[tuple[EsophagealPlan, Phase, PhantomFrame]]:
    """Ten frames of five patients."""
    plans = [plan_esophageal(3, index) for index in range(1, 6)]
    return [(plan, phase, render_esophageal(3, plan, phase, WIDTH)) for plan in plans for phase in Phase]


def tissue_and_sector(plan: EsophagealPlan, phase: Phase) -> tuple[np.ndarray, np.ndarray]:
    geometry = ScanGeometry(ESOPHAGEAL_STYLES[plan.style].opening, plan.depth)
    grid = geometry.cartesian(WIDTH)
    x, y = np.broadcast_arrays(grid.x, grid.y)
    return EsophagealScene(plan.patient.anatomy(phase)).tissue(x, y), geometry.inside(x, y)


def test_chambers_are_darker_than_walls(population: list[tuple[EsophagealPlan, Phase, PhantomFrame]]) -> None:
    for plan, phase, frame in population:
        tissue, inside = tissue_and_sector(plan, phase)
        walls = inside & np.isin(tissue, [Tissue.MYOCARDIUM, Tissue.ATRIAL_WALL, Tissue.RIGHT_WALL])
        for chamber in (1, 2, 3, 4):
            assert frame.image[frame.label == chamber].mean() < 0.8 * frame.image[walls].mean()


def test_pictures_are_darker_than_apical_ones(population: list[tuple[EsophagealPlan, Phase, PhantomFrame]]) -> None:
    means = [frame.image[tissue_and_sector(plan, phase)[1]].mean() / 255.0 for plan, phase, frame in population]
    assert 0.15 < np.mean(means) < 0.3


def test_the_sector_is_black_outside_and_can_be_found(
    population: list[tuple[EsophagealPlan, Phase, PhantomFrame]],
) -> None:
    for plan, phase, frame in population:
        inside = tissue_and_sector(plan, phase)[1]
        assert not frame.image[~inside].any() and not frame.label[~inside].any()
        found = sector_mask(frame.image)
        assert (found & inside).sum() / (found | inside).sum() > 0.98


def test_frame_depends_on_seed_patient_and_phase_only(
    population: list[tuple[EsophagealPlan, Phase, PhantomFrame]],
) -> None:
    plan, phase, frame = population[-1]
    again = render_esophageal(3, plan_esophageal(3, plan.index), phase, WIDTH)
    assert np.array_equal(again.image, frame.image) and np.array_equal(again.label, frame.label)
    assert plan_esophageal(3, 1) != plan_esophageal(3, 2) and plan_esophageal(3, 1) != plan_esophageal(4, 1)
    assert len({frame.image.tobytes() for _, _, frame in population}) == len(population)


def test_styles_differ() -> None:
    plan = plan_esophageal(0, 1)
    images = {
        style: render_esophageal(0, replace(plan, style=style), Phase.ED, WIDTH).image for style in EsophagealStyleName
    }
    assert len({image.tobytes() for image in images.values()}) == len(ESOPHAGEAL_STYLES) >= 3
    harmonic, matrix = images[EsophagealStyleName.HARMONIC], images[EsophagealStyleName.MATRIX]
    assert harmonic[harmonic > 0].std() > 1.05 * matrix[matrix > 0].std()


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three small patients."""
    folder = tmp_path_factory.mktemp("tee")
    return write_phantom(folder, patients=3, seed=3, views=["ME4C"], width=64, workers=1, progress=False)


def test_files_are_an_image_and_label_folder_with_its_table(written: Path, tmp_path: Path) -> None:
    names = [f"tee{index:04d}_ME4C_{phase}.nii.gz" for index in (1, 2, 3) for phase in Phase]
    for kind in ("images", "labels"):
        assert sorted(path.name for path in (written / kind).iterdir()) == names
    labels = folder_labels(written)
    assert labels.raw.names == {"0": "background", "1": "la", "2": "lv", "3": "ra", "4": "rv"}
    assert labels.semantic == TEE_LABELS
    frame = render_esophageal(3, plan_esophageal(3, 2), Phase.ES, 64)
    for kind, array in (("images", frame.image), ("labels", frame.label)):
        stored = nib.load(written / kind / "tee0002_ME4C_ES.nii.gz")
        assert np.array_equal(np.asarray(stored.dataobj), array)
        assert stored.header.get_zooms()[:2] == pytest.approx((frame.spacing_mm, frame.spacing_mm))
    groups = [path.read_text().split() for path in sorted((written / "database_split").iterdir())]
    assert sorted(name for group in groups for name in group) == ["tee0001", "tee0002", "tee0003"]
    json.loads((written / "labels.json").read_text())


def test_the_same_seed_gives_the_same_bytes(written: Path, tmp_path: Path) -> None:
    write_phantom(tmp_path, patients=3, seed=3, views=["ME4C"], width=64, workers=1, progress=False)
    files = [path for path in written.rglob("*") if path.is_file()]
    assert len(files) == 16
    assert all(path.read_bytes() == (tmp_path / path.relative_to(written)).read_bytes() for path in files)


def test_patients_can_be_written_by_other_processes(written: Path, tmp_path: Path) -> None:
    task = pickle.loads(pickle.dumps(_Request(tmp_path, 3, (), 64).task))
    assert task(2) == 2
    name = "images/tee0002_ME4C_ED.nii.gz"
    assert (tmp_path / name).read_bytes() == (written / name).read_bytes()


def test_views_with_other_labels_do_not_share_a_folder(tmp_path: Path) -> None:
    with pytest.raises(EchoSynthError, match="another folder"):
        write_phantom(tmp_path / "none", views=["4CH", "ME4C"])
    assert not (tmp_path / "none").exists()
