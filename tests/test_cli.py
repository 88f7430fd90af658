"""The program answers at once, names what is wrong in one line, and ends with the right code."""

from __future__ import annotations

import argparse
import errno
import re
import subprocess
import sys
from pathlib import Path

import pytest

from monai_echosynth import __version__, cli
from monai_echosynth.commands import demo
from monai_echosynth.errors import EchoSynthError

COMMANDS = (
    "phantom",
    "prepare",
    "remap",
    "shapes",
    "train",
    "tune-grid",
    "import-weights",
    "layers",
    "adapt",
    "generate",
    "guide",
    "align",
    "evaluate",
    "gap",
    "export",
    "nnunet-export",
    "nnunet-train",
    "metrics",
    "audit",
    "utility",
    "demo",
    "study",
    "demo-tee",
    "demo-align",
    "demo-guided",
    "demo-nnunet",
    "label-app",
    "demo-label",
    "demo-deploy",
    "verify",
    "zoo-gates",
)


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> type[Failing]:
    """Makes ``echosynth demo`` raise what the test wants."""
    monkeypatch.setattr(demo, "run", Failing.run)
    return Failing


class Failing:
    """A command that raises ``error``."""

    error: BaseException

    @classmethod
    def run(cls, args: argparse.Namespace) -> int:
        raise cls.error


@pytest.mark.parametrize("command", COMMANDS)
def test_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main([command, "--help"])
    shown = capsys.readouterr().out
    assert caught.value.code == 0 and f"usage: echosynth {command}" in shown
    assert not re.search(r"\(default: [\[(]", " ".join(shown.split())), "a default is shown as it is typed"


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["--version"])
    assert capsys.readouterr().out == f"echosynth {__version__}\n"


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys\nfrom monai_echosynth.cli import main\n"
        "try:\n    main(['generate', '--help'])\nexcept SystemExit:\n    pass\n"
        "print([name for name in ('torch', 'numpy', 'monai', 'ignite', 'scipy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_module_is_the_same_program() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "monai_echosynth", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"echosynth {__version__}\n"


@pytest.mark.parametrize(
    "arguments", [[], ["fly"], ["generate"], ["generate", "--nfe", "many"], ["demo", "--preset", "huge"]]
)
def test_wrong_usage_is_code_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(arguments)
    assert caught.value.code == 2 and "error: " in capsys.readouterr().err


def test_bad_input_is_one_line_and_code_2(failing: type[Failing], capsys: pytest.CaptureFixture[str]) -> None:
    failing.error = EchoSynthError("a folder must hold frames,\n  got none: check it")
    assert cli.main(["demo"]) == 2
    assert capsys.readouterr().err == "echosynth: error: a folder must hold frames, got none: check it\n"


def test_full_disk_names_the_file(failing: type[Failing], capsys: pytest.CaptureFixture[str]) -> None:
    failing.error = OSError(errno.ENOSPC, "No space left on device", "out/a.png")
    assert cli.main(["demo"]) == 2
    assert capsys.readouterr().err == (
        "echosynth: error: out/a.png: No space left on device: free some space; the same command then continues\n"
    )


def test_interrupt_is_130(failing: type[Failing], capsys: pytest.CaptureFixture[str]) -> None:
    failing.error = KeyboardInterrupt()
    assert cli.main(["demo"]) == 130
    assert "same command continues" in capsys.readouterr().err


def test_debug_shows_the_traceback(failing: type[Failing]) -> None:
    failing.error = EchoSynthError("no")
    with pytest.raises(EchoSynthError):
        cli.main(["demo", "--debug"])


def test_reason_behind_a_config_error(failing: type[Failing], capsys: pytest.CaptureFixture[str]) -> None:
    try:
        try:
            raise EchoSynthError("the true reason")
        except EchoSynthError as reason:
            raise RuntimeError("Failed to evaluate ConfigExpression") from reason
    except RuntimeError as error:
        failing.error = error
    assert cli.main(["demo"]) == 2
    assert capsys.readouterr().err == "echosynth: error: the true reason\n"


def test_mistakes_of_the_program_are_not_hidden(failing: type[Failing]) -> None:
    failing.error = RuntimeError("a defect")
    with pytest.raises(RuntimeError, match="a defect"):
        cli.main(["demo"])


def test_choices_equal_the_enumerations() -> None:
    from monai_echosynth.adaptation import LayerGroup
    from monai_echosynth.commands import (
        adapt,
        demo_tee,
        export,
        generate,
        import_weights,
        metrics,
        options,
        phantom,
        train,
        tune_grid,
    )
    from monai_echosynth.data.frame_format import FrameFormat
    from monai_echosynth.data.phantom import EsophagealView, View
    from monai_echosynth.diffusion.family import Family
    from monai_echosynth.diffusion.solvers import DETERMINISTIC, SolverName
    from monai_echosynth.inferers.runtime import RuntimePart
    from monai_echosynth.networks.nets.generative import GenerativeNetwork
    from monai_echosynth.networks.nets.guided_unet import Guidance
    from monai_echosynth.workflows.adaptation_settings import AdaptationMethod
    from monai_echosynth.workflows.export import ExportFormat
    from monai_echosynth.workflows.extractors import ExtractorKind
    from monai_echosynth.workflows.segmentation import SegmentationPreset
    from monai_echosynth.workflows.student_settings import Distillation
    from monai_echosynth.workflows.tee_settings import COMPARED
    from monai_echosynth.workflows.training_settings import Preset

    for spelled, enumerated in {
        generate.SOLVERS: [*SolverName],
        train.FAMILIES: [*Family],
        phantom.VIEWS: [*View, *EsophagealView],
        generate.FORMATS: [*FrameFormat],
        generate.RUNTIME_PARTS: [*RuntimePart],
        adapt.GROUPS: [*LayerGroup],
        adapt.METHODS: [*AdaptationMethod],
        import_weights.NETWORKS: [*GenerativeNetwork],
        options.PRESETS: [*Preset],
        export.FORMATS: [*ExportFormat],
        metrics.EXTRACTORS: [*ExtractorKind],
        train.GUIDANCE: [*Guidance],
        train.DISTILLATIONS: [*Distillation],
        tune_grid.SOLVERS: sorted(DETERMINISTIC, key=[*SolverName].index),
    }.items():
        assert spelled == tuple(option.value for option in enumerated)
    assert tuple(Preset) == tuple(SegmentationPreset)
    assert tuple(COMPARED) == demo_tee.COMPARED


@pytest.mark.parametrize(
    "arguments",
    [
        ["prepare", "--data", "missing", "--out", "new"],
        ["phantom", "--out", "new", "--patients", "1"],
        ["remap", "--source", "missing", "--out", "new"],
        ["verify", "--bundle", "missing"],
        ["train", "--data", "missing", "--out", "new"],
        ["train", "--data", "one", "two", "--out", "new"],
        ["train", "--model", "segmenter", "--data", "missing", "--out", "new"],
        ["train", "--model", "view-classifier", "--data", "missing", "--out", "new"],
        [
            "import-weights",
            "missing.pt",
            "--network",
            "unet",
            "--arguments",
            "missing.json",
            "--out",
            "new.safetensors",
        ],
        ["generate", "--bundle", "missing", "--masks", "missing", "--out", "new"],
        ["evaluate", "--bundle", "missing", "--data", "missing", "--out", "new"],
        ["gap", "missing", "missing", "--out", "new"],
        ["export", "--bundle", "missing", "--format", "onnx", "--out", "new.onnx"],
        ["export", "--bundle", "missing", "--format", "onnx", "--out", "new.ts"],
        ["evaluate", "--bundle", "hub:no id", "--data", "missing", "--out", "new"],
        ["nnunet-export", "--data", "missing", "--out", "new"],
        ["nnunet-train", "--dataset", "missing", "--data", "missing", "--out", "new"],
        ["tune-grid", "--bundle", "missing", "--data", "missing"],
        ["zoo-gates", "--bundle", "missing"],
        ["demo", "--data", "missing", "--out", "new"],
        ["study", "--data", "missing", "--out", "new"],
        ["study", "--grid", "missing.json", "--out", "new"],
        ["demo-guided", "--data", "missing", "--out", "new"],
        ["demo-guided", "--guidance", "-1", "--out", "new"],
        ["guide", "--bundle", "missing", "--out", "new"],
        ["phantom", "--lesions", "--views", "4CH", "--out", "new"],
        ["demo-deploy", "--python", "missing", "--out", "new"],
    ],
)
def test_real_bad_input(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("echosynth: error: ") and error.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_layers_prints_the_size_of_adapters(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["layers", "--preset", "paper", "--ranks", "4"]) == 0
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in capsys.readouterr().out.splitlines()]
    found = {row[0]: int(row[3].replace(",", "")) for row in rows[2:]}
    assert 5e4 < found["linear"] < 2e5 < found["convolution"]
