"""Files of the phantom: CAMUS names, spacing, information, splits and bytes."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from monai_echosynth.data.phantom import Phase, View, plan_patient, render, write_phantom
from monai_echosynth.data.phantom.styles import StyleName
from monai_echosynth.errors import EchoSynthError


def _contents(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four small patients, written in this process."""
    return write_phantom(tmp_path_factory.mktemp("phantom"), patients=4, seed=11, width=96, workers=1, progress=False)


def test_layout_is_that_of_camus(written: Path) -> None:
    names = set(_contents(written))
    frames = {
        f"patient{i:04d}_{v}_{p}{s}.nii.gz" for i in range(1, 5) for v in View for p in Phase for s in ("", "_gt")
    }
    assert {Path(name).name for name in names if name.endswith(".nii.gz")} == frames
    assert "database_nifti/patient0001/patient0001_4CH_ED_gt.nii.gz" in names
    assert "database_nifti/patient0004/Info_2CH.cfg" in names
    assert len(names) == 4 * (8 + 2) + 3


def test_nifti_holds_the_frame_and_its_spacing(written: Path) -> None:
    plan = plan_patient(11, 2)
    frame = render(11, plan, View.FOUR_CHAMBER, Phase.ES, width=96)
    stem = written / "database_nifti/patient0002/patient0002_4CH_ES"
    for path, array in ((f"{stem}.nii.gz", frame.image), (f"{stem}_gt.nii.gz", frame.label)):
        image = nib.load(path)
        assert image.get_data_dtype() == np.uint8
        assert np.array_equal(np.asarray(image.dataobj), array)
        assert image.header.get_zooms()[:2] == pytest.approx((frame.spacing_mm, frame.spacing_mm))
    assert set(np.unique(frame.label)) == {0, 1, 2, 3}


def test_information_agrees_with_the_anatomy(written: Path) -> None:
    for index in range(1, 5):
        folder = written / f"database_nifti/patient{index:04d}"
        information = dict(line.split(": ") for line in (folder / "Info_4CH.cfg").read_text().splitlines())
        assert list(information) == ["ED", "ES", "NbFrame", "Sex", "Age", "ImageQuality", "LVedv", "LVesv", "LVef"]
        fraction = plan_patient(11, index).patient.ejection_fraction
        assert float(information["LVef"]) == pytest.approx(100.0 * fraction, abs=0.06)
        assert float(information["LVesv"]) < float(information["LVedv"])


def test_splits_part_the_patients(written: Path) -> None:
    groups = [
        (written / f"database_split/subgroup_{name}.txt").read_text().split()
        for name in ("training", "validation", "testing")
    ]
    assert all(groups)
    assert sorted(name for group in groups for name in group) == [f"patient{index:04d}" for index in range(1, 5)]


def test_bytes_do_not_depend_on_workers(written: Path, tmp_path: Path) -> None:
    write_phantom(tmp_path, patients=4, seed=11, width=96, workers=2, progress=False)
    assert _contents(tmp_path) == _contents(written)


def test_one_view_has_the_same_bytes_as_in_both(written: Path, tmp_path: Path) -> None:
    write_phantom(tmp_path, patients=3, seed=11, views=["4CH"], width=96, workers=1, progress=False)
    both = _contents(written)
    frames = {name: data for name, data in _contents(tmp_path).items() if name.startswith("database_nifti")}
    assert frames and all(both[name] == data for name, data in frames.items())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"patients": 2}, "at least 3 patients"),
        ({"seed": -1}, "seed"),
        ({"width": 10}, "64 pixels"),
        ({"views": ["3CH"]}, "3CH"),
        ({"views": []}, "views"),
        ({"workers": 0}, "workers"),
    ],
)
def test_bad_arguments_are_named(arguments: dict[str, object], message: str, tmp_path: Path) -> None:
    with pytest.raises(EchoSynthError, match=message):
        write_phantom(tmp_path / "none", **arguments)  # type: ignore[arg-type]
    assert not (tmp_path / "none").exists()


def test_styles_choose_the_machines_and_leave_the_hearts(tmp_path: Path, written: Path) -> None:
    plans = [plan_patient(11, index, (StyleName.HAZY, StyleName.CRISP)) for index in range(1, 40)]
    assert {plan.style for plan in plans} == {StyleName.HAZY, StyleName.CRISP}
    assert all(plan.patient == plan_patient(11, plan.index).patient for plan in plans)
    write_phantom(tmp_path, patients=3, seed=11, width=96, workers=1, progress=False, styles=["portable"])
    labels = "database_nifti/patient0001/Info_4CH.cfg"
    assert "ImageQuality: Poor" in (tmp_path / labels).read_text()


@pytest.mark.parametrize(("styles", "views"), [(["old"], ["4CH"]), ([], ["4CH"]), (["hazy"], ["ME4C"])])
def test_styles_that_do_not_fit_are_refused(tmp_path: Path, styles: list[str], views: list[str]) -> None:
    with pytest.raises(EchoSynthError, match="styles"):
        write_phantom(tmp_path, patients=3, views=views, styles=styles)
