"""The program under test, tiny presets and tiny bundles."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from monai_echosynth import cli
from monai_echosynth.networks.nets.segmenter import segmenter
from monai_echosynth.networks.weights import save_weights
from monai_echosynth.workflows.gan import GAN_PRESETS
from monai_echosynth.workflows.guided_settings import GUIDED_PRESETS
from monai_echosynth.workflows.segmentation import (
    SEGMENTATION_PRESETS,
    SegmentationPreset,
    write_bundle,
)
from monai_echosynth.workflows.student_settings import STUDENT_PRESETS, StudentSettings
from monai_echosynth.workflows.training_settings import PRESETS, Preset
from monai_echosynth.workflows.view_classification import VIEW_PRESETS
from tests.helpers.tiny_gan import TINY_GAN
from tests.helpers.tiny_generator import TINY_SETTINGS, write_tiny_bundle
from tests.helpers.tiny_guided import TINY_GUIDED
from tests.helpers.tiny_segmenter import TINY_SEGMENTER
from tests.helpers.tiny_views import TINY_VIEWS


@pytest.fixture
def fails(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Runs the program, checks code 2 and a single error line that holds all ``words``, and returns that line."""

    def run(arguments: list[object], *words: object) -> str:
        capsys.readouterr()
        code = cli.main([str(argument) for argument in arguments])
        lines = capsys.readouterr().err.replace("\r", "\n").strip().splitlines()
        assert code == 2, lines
        errors = [line for line in lines if "echosynth: error: " in line]
        assert errors == lines[-1:] and errors[0].startswith("echosynth: error: ") and "Traceback" not in errors[0]
        missing = [str(word) for word in words if str(word) not in errors[0]]
        assert not missing, (missing, errors[0])
        assert {":", ";"} & set(errors[0].removeprefix("echosynth: error: "))  # the remedy follows
        return errors[0]

    return run


@pytest.fixture
def tiny_presets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PRESETS, Preset.QUICK, TINY_SETTINGS)
    monkeypatch.setitem(SEGMENTATION_PRESETS, SegmentationPreset.QUICK, TINY_SEGMENTER)
    monkeypatch.setitem(GAN_PRESETS, Preset.QUICK, TINY_GAN)
    monkeypatch.setitem(VIEW_PRESETS, Preset.QUICK, TINY_VIEWS)
    monkeypatch.setitem(GUIDED_PRESETS, Preset.QUICK, TINY_GUIDED)
    monkeypatch.setitem(
        STUDENT_PRESETS, Preset.QUICK, StudentSettings(2, 2, 2, variants=1, trajectories=2, teacher_nfe=10)
    )


@pytest.fixture(scope="session")
def generator(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_bundle(tmp_path_factory.mktemp("generator") / "bundle")


@pytest.fixture
def training(generator: Path, tiny_presets: None) -> Callable[[str, Path, Path], list[object]]:
    """Arguments that train a model on ``data`` into ``out``, a teacher included where it has one."""

    def arguments(model: str, data: Path, out: Path) -> list[object]:
        teacher = ["--teacher", generator] if model in ("student", "companion") else []
        return ["train", "--model", model, "--preset", "quick", "--data", data, "--out", out, *teacher]

    return arguments


@pytest.fixture(scope="session")
def segmentation(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("segmentation") / "bundle"
    write_bundle(root, TINY_SEGMENTER)
    save_weights(segmenter(32, 4), root / "models" / "model.safetensors")
    return root
