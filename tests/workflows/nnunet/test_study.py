"""A real training of nnU-Net, where it is installed; what stops one is said before it starts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from monai_echosynth import cli
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.integrations.nnunet import NnUNetBudget
from monai_echosynth.workflows.nnunet.raw_dataset import write_raw_dataset
from monai_echosynth.workflows.nnunet.study import run_nnunet_demo, train_nnunet
from tests.helpers.tiny_prepared import write_tiny_prepared


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_prepared(tmp_path_factory.mktemp("prepared"))


@pytest.fixture(scope="module")
def dataset(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_raw_dataset([prepared], tmp_path_factory.mktemp("raw"), 501, "tiny", folds=2)


def test_what_stops_a_training(dataset: Path, prepared: Path, tmp_path: Path) -> None:
    with pytest.raises(EchoSynthError, match="nnunet-export"):
        train_nnunet(prepared, prepared, tmp_path)
    with pytest.raises(EchoSynthError, match="a fold must be one of 0 to 1, got 2"):
        train_nnunet(dataset, prepared, tmp_path, fold=2)
    with pytest.raises(EchoSynthError, match="at least 1 epoch"):
        NnUNetBudget(epochs=0)


def test_missing_package_names_the_extra(
    dataset: Path, prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "nnunetv2", None)
    for run in (lambda: train_nnunet(dataset, prepared, tmp_path), lambda: run_nnunet_demo(tmp_path, prepared)):
        with pytest.raises(EchoSynthError, match=r"pip install 'monai-echosynth\[nnunet\]'"):
            run()
    assert list(tmp_path.iterdir()) == []


def _interpreter(repository: Path) -> str:
    """One with nnunetv2: this one, that of ``ECHOSYNTH_NNUNET``, or that of ``make demo-nnunet``."""
    candidates = [os.environ.get("ECHOSYNTH_NNUNET", ""), str(repository / ".venv-nnunet" / "bin" / "python")]
    if find_spec("nnunetv2"):
        return sys.executable
    found = [path for path in candidates if path and Path(path).is_file()]
    if not found:
        pytest.skip("nnU-Net: run make demo-nnunet once, or set ECHOSYNTH_NNUNET to a Python that has nnunetv2")
    return found[0]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_plan_train_predict_and_score(repository: Path, dataset: Path, prepared: Path, tmp_path: Path) -> None:
    command = ["-m", "monai_echosynth", "nnunet-train", "--dataset", str(dataset), "--data", str(prepared)]
    command += ["--out", str(tmp_path), "--epochs", "2", "--iterations", "5"]
    environment = {**os.environ, "PYTHONPATH": str(repository), "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(
        [_interpreter(repository), *command], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    scores = json.loads((tmp_path / "scores.json").read_text())
    assert scores["frames"] == 4 and set(scores["dice"]) == {"lv_endo", "myo", "lv_epi", "la"}
    assert scores["training"]["trainer"] == "nnUNetTrainerNoMirroring"
    assert len(list((tmp_path / "predictions").glob("*.nii.gz"))) == 4
    splits = tmp_path / "preprocessed" / dataset.name / "splits_final.json"
    assert json.loads(splits.read_text()) == json.loads((dataset / "splits_final.json").read_text())


def test_command_without_a_data_set(prepared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["nnunet-train", "--dataset", str(tmp_path), "--data", str(prepared), "--out", str(tmp_path / "out")]
    assert cli.main(arguments) == 2
    assert "nnunet-export" in capsys.readouterr().err
