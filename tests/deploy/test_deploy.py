"""Both applications with MONAI Deploy's own runner, in the environment that ``make deploy-env`` sets up."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch

from monai_echosynth.errors import EchoSynthError
from monai_echosynth.integrations.app_folder import AppName
from monai_echosynth.integrations.app_settings import write_settings
from monai_echosynth.integrations.app_source import app_source
from monai_echosynth.networks.nets.segmenter import segmenter
from monai_echosynth.networks.weights import save_weights
from monai_echosynth.workflows.deploy_checks import area_difference, check_synthetic
from monai_echosynth.workflows.deploy_runner import DeployRunner
from monai_echosynth.workflows.segmentation import write_bundle
from tests.helpers.dicom_files import save, ultrasound
from tests.helpers.echo_frames import frame, save_nifti
from tests.helpers.tiny_generator import write_tiny_bundle
from tests.helpers.tiny_prepared import tiny_frame
from tests.helpers.tiny_segmenter import TINY_SEGMENTER

pytest.importorskip("pydicom", minversion="3")
pytest.importorskip("highdicom")

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def runner(repository: Path) -> DeployRunner:
    """MONAI Deploy of ``ECHOSYNTH_DEPLOY_PYTHON`` or ``.venv-deploy``."""
    python = Path(os.environ.get("ECHOSYNTH_DEPLOY_PYTHON", repository / ".venv-deploy" / "bin" / "python"))
    if not python.is_file():
        pytest.skip("MONAI Deploy: run 'make deploy-env', or set ECHOSYNTH_DEPLOY_PYTHON")
    return DeployRunner(python)


def test_environment_meets_the_requirements(runner: DeployRunner, tmp_path: Path) -> None:
    files = [app_source(name) / "requirements.txt" for name in AppName]
    assert runner.check(files).startswith("4.")
    (tmp_path / "requirements.txt").write_text("pydicom<3\n")
    with pytest.raises(EchoSynthError, match=r"asks for pydicom<3, got 3\."):
        runner.check([tmp_path / "requirements.txt"])


def test_segmentation_application(runner: DeployRunner, tmp_path: Path) -> None:
    bundle, out = tmp_path / "bundle", tmp_path / "out"
    write_bundle(bundle, TINY_SEGMENTER)
    torch.manual_seed(0)
    save_weights(segmenter(32, 4), bundle / "models" / "model.safetensors")
    image = save(ultrasound(np.stack([frame(n)[0].T for n in range(3)])), tmp_path / "in" / "cine.dcm")
    app = app_source(AppName.SEGMENTATION)
    runner.run(app, image.parent, out, bundle)
    names = ("cine_measurements.json", "cine_overlay.dcm", "cine_seg.dcm")
    assert sorted(path.name for path in out.iterdir()) == list(names)
    assert area_difference(out / names[0], out / names[2], (0.5, 0.25)) < 0.005
    (image.parent / "cine.dcm").write_text("no DICOM")
    with pytest.raises(EchoSynthError, match="a DICOM file was expected"):
        runner.run(app, image.parent, tmp_path / "text", bundle)


def test_synthesis_application(runner: DeployRunner, tmp_path: Path) -> None:
    bundle, out = write_tiny_bundle(tmp_path / "bundle"), tmp_path / "out"
    save_nifti(tmp_path / "maps" / "a.nii.gz", tiny_frame((44, 36), np.random.default_rng(0))[1], (0.7, 0.4))
    app = app_source(AppName.SYNTHESIS)
    settings = write_settings(tmp_path / "app.yaml", {"nfe": 3}, app / "app.yaml")
    runner.run(app, tmp_path / "maps", out, bundle, settings)
    assert json.dumps(check_synthetic(out / "a_synthetic.dcm", (0.7, 0.4)))
    wrong = write_settings(tmp_path / "wrong.yaml", {"steps": 3}, app / "app.yaml")
    with pytest.raises(EchoSynthError, match=r"settings must be among .* got 'steps'"):
        runner.run(app, tmp_path / "maps", tmp_path / "again", bundle, wrong)
