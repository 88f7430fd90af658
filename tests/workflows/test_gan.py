"""The SPADE-GAN from the program: a ready bundle, exact resume, generation like that of diffusion, and clear refusals."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from monai_echosynth import cli
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.losses.spade_gan import StyleLoss
from monai_echosynth.workflows.gan import GAN_PRESETS, train_gan
from monai_echosynth.workflows.generate import generate
from monai_echosynth.workflows.training_settings import Preset
from monai_echosynth.workflows.verify import verify_bundle
from tests.helpers.tiny_gan import TINY_GAN
from tests.helpers.tiny_prepared import write_tiny_prepared

pytestmark = [pytest.mark.filterwarnings("ignore:No hash value provided")]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_prepared(tmp_path_factory.mktemp("prepared"))


@pytest.fixture(autouse=True, scope="module")
def tiny() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(GAN_PRESETS, Preset.QUICK, TINY_GAN)  # type: ignore[arg-type]
        yield


@pytest.fixture(scope="module")
def trained(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("gan") / "bundle"
    command = ["train", "--model", "gan", "--preset", "quick", "--data", str(prepared), "--out", str(out)]
    assert cli.main(command) == 0
    return out


def test_training_leaves_a_ready_bundle(trained: Path, prepared: Path) -> None:
    assert [check for check in verify_bundle(trained) if check.passed is False] == []
    state = load_file(trained / "models" / "model.safetensors")
    pickled = torch.load(trained / "models" / "model.pt", weights_only=True)
    assert state.keys() == pickled.keys() and all(torch.equal(state[key], pickled[key]) for key in state)
    history = json.loads((trained / "eval" / "history.json").read_text())
    assert [record["epoch"] for record in history] == [1, 2]
    assert not (trained / "models" / "checkpoints").exists()
    formats = json.loads((trained / "configs" / "metadata.json").read_text())["network_data_format"]
    assert formats["inputs"]["image"]["spatial_shape"] == formats["outputs"]["pred"]["spatial_shape"] == [32, 32]
    before = (trained / "models" / "model.safetensors").stat().st_mtime_ns
    made = train_gan(prepared, trained, "quick", progress=False)
    assert made["epochs"] == 2 and made["parameters"] > 1000
    assert (trained / "models" / "model.safetensors").stat().st_mtime_ns == before
    with pytest.raises(EchoSynthError, match="seed = 0, not 1"):
        train_gan(prepared, trained, "quick", seed=1, progress=False)


def test_a_killed_training_ends_with_the_same_weights(
    trained: Path, prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forward, calls = StyleLoss.forward, []

    def forward_until(self: Any, *args: Any) -> Any:
        calls.append(1)
        if len(calls) == 4:  # the second step of the second epoch
            raise KeyboardInterrupt
        return forward(self, *args)

    monkeypatch.setattr(StyleLoss, "forward", forward_until)
    with pytest.raises(KeyboardInterrupt):
        train_gan(prepared, tmp_path / "bundle", "quick", progress=False)
    monkeypatch.undo()
    assert (tmp_path / "bundle" / "models" / "checkpoints" / "checkpoint.pt").is_file()
    monkeypatch.setitem(GAN_PRESETS, Preset.QUICK, TINY_GAN)  # type: ignore[arg-type]
    train_gan(prepared, tmp_path / "bundle", "quick", progress=False)
    whole, again = (load_file(root / "models" / "model.safetensors") for root in (trained, tmp_path / "bundle"))
    assert all(torch.equal(whole[key], again[key]) for key in whole)


def test_sets_are_drawn_completed_and_recorded(trained: Path, prepared: Path, tmp_path: Path) -> None:
    made = generate(trained, prepared, tmp_path / "set", count=4, seed=3, progress=False)
    assert (made["count"], made["new"], made["nfe"], made["solver"]) == (4, 4, 1, None)
    for count in (1, 4):
        generate(trained, prepared, tmp_path / "parts", count=count, seed=3, batch_size=count, progress=False)
    first, second = (json.loads((tmp_path / name / "manifest.json").read_text()) for name in ("set", "parts"))
    assert first == second
    assert first["family"] == "spade-gan" and first["synthetic"] is True
    assert len({record["image_sha256"] for record in first["images"]}) == 4
    with pytest.raises(EchoSynthError, match="seed = 3, not 4"):
        generate(trained, prepared, tmp_path / "set", count=4, seed=4, progress=False)


def test_a_gan_has_no_solver_and_no_calls_to_choose(
    trained: Path, prepared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["generate", "--bundle", str(trained), "--masks", str(prepared), "--out", str(tmp_path / "set")]
    for option, value in (("--nfe", "10"), ("--solver", "heun")):
        assert cli.main([*command, option, value]) == 2
        error = capsys.readouterr().err
        assert f"in one pass, without solver and nfe, got {option[2:]} = {value}: leave it out" in error
    assert not (tmp_path / "set").exists()
    capsys.readouterr()
    assert cli.main([*command, "--count", "1"]) == 0
    assert "1 network calls an image" in capsys.readouterr().out


def test_refusals_of_the_training(prepared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["train", "--model", "gan", "--preset", "quick", "--data", str(prepared), "--out", str(tmp_path / "out")]
    for options, words in (
        (["--conditioned"], "got --conditioned with a gan"),
        (["--validation", str(prepared)], "got --validation"),
        (["--data", str(prepared), str(prepared)], "takes one data folder, got 2"),
        (["--budget", "0"], "budget is a positive multiple"),
        (["--preset", "cpu"], "128 x 128 pixels are needed"),
    ):
        assert cli.main([*command, *options]) == 2
        assert words in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
