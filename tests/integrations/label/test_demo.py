"""The demonstration with real servers, in MONAI Label's own environment: skipped only where that environment is not there."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from monai_echosynth import cli
from monai_echosynth.integrations.label.demo_checks import Checks, mean_dice, same_geometry
from monai_echosynth.integrations.label.server import label_server
from tests.helpers.label_studies import AFFINE, save_nifti, tiny_cine

IDS = {"lv_endo": 1, "myo": 2, "la": 3}


@pytest.fixture(scope="module")
def label_python(repository: Path) -> Path:
    """Interpreter of the environment that ``make label-env`` makes."""
    path = Path(os.environ.get("ECHOSYNTH_LABEL_PYTHON") or repository / ".venv-label" / "bin" / "python")
    if not path.is_file():
        pytest.skip("MONAI Label: make label-env, or set ECHOSYNTH_LABEL_PYTHON to an interpreter that has it")
    return path


@pytest.mark.timeout(3600)
def test_real_servers_real_clients(label_python: Path, repository: Path, tmp_path: Path) -> None:
    """Stock app and ours: list, infer, geometry, Dice, PNG, DICOM, save, train, infer again, refuse, stop."""
    command = [str(label_python), "-m", "monai_echosynth", "demo-label", "--out", str(tmp_path / "out")]
    bundles = repository / "runs" / "demo" / "bundles"
    for option, name in (("--bundle", "echo_segmentation"), ("--generator", "echo_generative_diffusion")):
        command += [option, str(bundles / name)] if (bundles / name / "models").is_dir() else []
    frames = os.environ.get("ECHOSYNTH_CAMUS", "")
    command += ["--data", frames] if frames else []
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr[-3000:]
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    names = [check["name"] for check in summary["checks"]]
    assert summary["passed"] and len(names) == len(set(names)) >= 20
    for app in ("monaibundle", "echo_label"):
        assert summary[f"{app}_dice_after_training"] > 0.8
        assert f"{app}: stopped cleanly" in names and f"{app}: trained" in names


def test_without_monai_label_one_sentence_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if importlib.util.find_spec("monailabel"):
        pytest.skip("MONAI Label is installed here")
    assert cli.main(["demo-label", "--out", str(tmp_path / "out")]) == 2
    assert "make demo-label sets it up" in capsys.readouterr().err
    with (
        pytest.raises(ValueError, match=r"must start, got: .*monailabel.*a\.log"),
        label_server(tmp_path, tmp_path, tmp_path / "a.log"),
    ):
        pass


def test_dice_of_files(tmp_path: Path) -> None:
    _, maps = tiny_cine(1)
    reference = save_nifti(tmp_path / "a.nii.gz", maps[..., 0])
    volume = save_nifti(tmp_path / "b.nii.gz", maps)  # a last axis of length one
    half = maps.copy()
    half[maps == 1] = 0
    assert mean_dice(volume, reference, IDS) == 1.0
    assert mean_dice(save_nifti(tmp_path / "c.nii.gz", half), reference, IDS) == pytest.approx(2 / 3)
    assert mean_dice(save_nifti(tmp_path / "d.nii.gz", maps[1:]), reference, IDS) == 0.0


def test_geometry_of_files(tmp_path: Path) -> None:
    _, maps = tiny_cine(1)
    image = save_nifti(tmp_path / "a.nii.gz", maps[..., 0])
    assert same_geometry(save_nifti(tmp_path / "b.nii.gz", maps), image) == (True, "44x36x1, 0.700 x 0.400 mm")
    assert not same_geometry(save_nifti(tmp_path / "c.nii.gz", maps, np.eye(4)), image)[0]
    assert not same_geometry(save_nifti(tmp_path / "d.nii.gz", maps[1:]), image)[0]
    assert np.allclose(nib.load(image).affine, AFFINE)


def test_checks_are_printed_kept_and_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    checks = Checks()
    checks.add("one", True, "fine")
    checks.add("two", False)
    checks.write(tmp_path / "summary.json")
    assert capsys.readouterr().out == "ok      one: fine\nFAILED  two\n"
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert checks.failed == ["two"] and summary["passed"] is False and len(summary["checks"]) == 2
