"""The parts of the Deploy demonstration that need no MONAI Deploy."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from monai_echosynth.errors import EchoSynthError
from monai_echosynth.integrations.dicom.read_ultrasound import read_ultrasound
from monai_echosynth.workflows.deploy_demo import run_deploy_demo
from monai_echosynth.workflows.deploy_inputs import camus_input, example_input, phantom_input
from monai_echosynth.workflows.deploy_runner import DeployRunner
from monai_echosynth.workflows.deploy_summary import format_deploy_summary
from tests.helpers.echo_frames import camus_folder

pytest.importorskip("pydicom", minversion="3")


@pytest.mark.filterwarnings("ignore::UserWarning:pydicom")
def test_inputs_carry_their_spacing(tmp_path: Path) -> None:
    inputs = [
        example_input(tmp_path),
        phantom_input(tmp_path),
        camus_input(tmp_path, camus_folder(tmp_path / "data", 3)),
    ]
    for item in inputs:
        cine = read_ultrasound(item.path)
        assert cine.spacing == pytest.approx(item.spacing, rel=1e-6)
        if item.labels is not None:
            assert cine.frames.shape == item.labels.shape and (item.labels == 1).any()
    assert [read_ultrasound(item.path).header.get("SyntheticData") for item in inputs[1:]] == ["YES", None]
    assert np.unique(inputs[1].labels).tolist() == [0, 1, 2, 3]


def test_no_frame_of_camus(tmp_path: Path) -> None:
    with pytest.raises(EchoSynthError, match="4CH ED frame was expected"):
        camus_input(tmp_path, camus_folder(tmp_path / "data", 3, views=("2CH",)))


def test_deploy_is_missing(tmp_path: Path) -> None:
    bundles, out = tmp_path / "bundles", tmp_path / "out"
    with pytest.raises(EchoSynthError, match=r"a trained bundle was expected, got nothing at .*run 'make demo' first"):
        run_deploy_demo(bundles, out, Path(sys.executable))
    for name in ("echo_segmentation", "echo_generative_diffusion"):
        (bundles / name / "models").mkdir(parents=True)
    for python in (tmp_path / "python", Path(sys.executable)):
        with pytest.raises(EchoSynthError, match=r"MONAI Deploy is needed .*run 'make demo-deploy'"):
            run_deploy_demo(bundles, out, python, echo=lambda line: None)
    assert not out.exists()


def test_folder_of_others_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DeployRunner, "check", lambda self, requirements: "4.0.0")
    for name in ("echo_segmentation", "echo_generative_diffusion"):
        (tmp_path / "bundles" / name / "models").mkdir(parents=True)
    mine = tmp_path / "out" / "input" / "mine.txt"
    mine.parent.mkdir(parents=True)
    mine.write_text("dear to me")
    with pytest.raises(EchoSynthError, match="output folder must be new, empty or of an earlier run"):
        run_deploy_demo(tmp_path / "bundles", tmp_path / "out", Path(sys.executable), echo=lambda line: None)
    assert mine.is_file()


def test_application_that_breaks(tmp_path: Path) -> None:
    app = tmp_path / "app"
    app.mkdir()
    (app / "__main__.py").write_text("import sys\nprint('echosynth: error: no: do', file=sys.stderr)\nsys.exit(2)\n")
    runner = DeployRunner(Path(sys.executable))
    with pytest.raises(EchoSynthError, match=r"^no: do$"):
        runner.run(app, tmp_path, tmp_path, tmp_path)
    (app / "__main__.py").write_text("raise RuntimeError('broken')\n")
    with pytest.raises(EchoSynthError, match="app must end well, got 'RuntimeError: broken'"):
        runner.run(app, tmp_path, tmp_path, tmp_path)


def test_summary(tmp_path: Path) -> None:
    phase = {"frame": 1, "area_cm2": 30.0, "long_axis_cm": 9.0, "volume_ml": 100.0, "axis": "annulus to apex"}
    ventricle = {"end_diastole": phase, "end_systole": {**phase, "volume_ml": 40.0}, "ejection_fraction_percent": 60.0}
    alone = {"end_diastole": phase, "end_systole": None, "ejection_fraction_percent": None}
    content = {
        "sdk": "4.0.0",
        "segmentation": {
            "cine": {"frames": 2, "area_difference": 0.0001, "left_ventricle": ventricle},
            "single": {"frames": 1, "area_difference": 0.0, "left_ventricle": alone},
        },
        "synthesis": {"maps": [{"file": "a.dcm", "frames": 1, "spacing_mm": [0.3, 0.2]}]},
        "validation": {"a.dcm": {"dciodvfy": 2}, "b.dcm": {"dciodvfy": 0}},
    }
    path = tmp_path / "summary.json"
    path.write_text(json.dumps(content))
    assert format_deploy_summary(path).splitlines() == [
        "MONAI Deploy App SDK 4.0.0",
        "segmented cine: 2 frames, areas within 0.01% of the input's spacing, EDV 100.0 ml, ESV 40.0 ml, EF 60.0 %",
        "segmented single: 1 frames, areas within 0.00% of the input's spacing, LV 100.0 ml",
        "synthetic from maps: a.dcm, 1 frames, 0.3 x 0.2 mm, Synthetic Data = YES",
        "validated by dciodvfy: 2 files, no error, 2 warnings",
    ]
