"""The audit on real frames: planted copies of training patients are found, other patients are not."""

from __future__ import annotations

from pathlib import Path

import pytest

from monai_echosynth.data.datalist import load_datalist
from monai_echosynth.workflows.audit import AuditSettings, run_audit
from monai_echosynth.workflows.prepare import prepare
from tests.helpers.planted_copies import DISGUISES, plant_copies, split_held_out
from tests.helpers.tiny_segmenter import write_tiny_segmenter

pytestmark = pytest.mark.timeout(300)  # prepares real frames

SIZE = 96
COPIES = 10
PATIENTS = 60
HELD_OUT = 44


@pytest.fixture(scope="module")
def some_patients(camus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """End-diastolic four-chamber frames of a few patients, prepared."""
    folder = tmp_path_factory.mktemp("camus")
    for source in sorted((camus / "database_nifti").iterdir())[:PATIENTS]:
        for path in source.glob("*_4CH_ED*.nii.gz"):
            link = folder / "database_nifti" / source.name / path.name
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(path)
    options = {"validation_fraction": 0.0, "split": "random", "progress": False}
    return prepare(folder, folder / "prepared", SIZE, n_test=HELD_OUT, **options)


def test_planted_copies_are_found_and_other_patients_are_not(some_patients: Path, tmp_path: Path) -> None:
    held_out, others = split_held_out(some_patients, tmp_path / "held_out")
    planted = plant_copies(tmp_path / "set", load_datalist(some_patients, "training")[:COPIES], others, SIZE)
    segmenter = write_tiny_segmenter(tmp_path / "segmenter")
    settings = AuditSettings(held_out_sections=("test",), segmenter=segmenter)
    found = run_audit(planted, some_patients, tmp_path / "out", held_out, settings=settings)
    flagged = [row["id"].split("_")[0] for row in found["copies"]["frames"]]
    assert sum(flagged.count(disguise) for disguise in DISGUISES) >= 0.95 * COPIES * len(DISGUISES)
    assert flagged.count("other") <= 0.05 * len(others)
    assert found["copies"]["false_alarms"]["frames"] <= 0.05
