"""``echosynth train --family``: a ready bundle of one family, recorded, resumable, and clear where options do not fit."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from monai_echosynth import cli
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.workflows.adapt import adapt
from monai_echosynth.workflows.generate import generate
from monai_echosynth.workflows.train import train
from monai_echosynth.workflows.training_settings import PRESETS, Preset
from monai_echosynth.workflows.verify import verify_bundle
from tests.helpers.tiny_generator import TINY_SETTINGS
from tests.helpers.tiny_prepared import write_tiny_prepared


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_prepared(tmp_path_factory.mktemp("prepared"))


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PRESETS, Preset.QUICK, TINY_SETTINGS)


@pytest.fixture(scope="module")
def sdm(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("sdm") / "bundle"
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(PRESETS, Preset.QUICK, TINY_SETTINGS)
        assert cli.main(_command(prepared, out, "--family", "sdm")) == 0
    return out


def _command(prepared: Path, out: Path, *options: str) -> list[str]:
    return ["train", "--preset", "quick", "--data", str(prepared), "--out", str(out), *options]


def test_a_model_of_frames_is_a_whole_bundle(sdm: Path, prepared: Path, tmp_path: Path) -> None:
    names = {path.name for path in (sdm / "configs").glob("*.json")}
    assert {"train_diffusion.json", "fit_pixel_space.json", "inference.json"} <= names
    assert not {"train_autoencoder.json", "fit_texture.json", "sdm.json", "ve.json"} & names
    assert {path.name for path in (sdm / "models").glob("*.safetensors")} == {
        "autoencoder.safetensors",
        "diffusion.safetensors",
    }
    assert [check for check in verify_bundle(sdm) if check.passed is False] == []
    config = json.loads((sdm / "configs" / "inference.json").read_text())
    assert (config["family"], config["size"], config["solver"]) == ("sdm", "quick_pixel", "ddim")
    formats = json.loads((sdm / "configs" / "metadata.json").read_text())["network_data_format"]["inputs"]
    assert formats["image"]["spatial_shape"] == formats["seg"]["spatial_shape"] == [32, 32]
    made = generate(sdm, prepared, tmp_path / "set", count=2, nfe=3, progress=False)
    assert (made["solver"], made["nfe"]) == ("ddim", 3)
    manifest = json.loads((tmp_path / "set" / "manifest.json").read_text())
    assert (manifest["family"], manifest["solver"]) == ("sdm", "ddim")


def test_training_again_changes_nothing_and_another_family_is_refused(sdm: Path, prepared: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in (sdm / "models").glob("*.safetensors")}
    train(prepared, sdm, "quick", family="sdm")
    assert before == {path: path.stat().st_mtime_ns for path in before}
    with pytest.raises(EchoSynthError, match="family = sdm, not ve"):
        train(prepared, sdm, "quick", family="ve")


def test_sdm_takes_its_solvers_and_levels_alone(sdm: Path, prepared: Path, tmp_path: Path) -> None:
    out = tmp_path / "set"
    for options, words in (({"solver": "heun"}, "one of ddim, ancestral"), ({"nfe": 1001}, "1 to 1000")):
        with pytest.raises(EchoSynthError, match=words):
            generate(sdm, prepared, out, count=1, progress=False, **options)  # type: ignore[arg-type]
    assert not out.exists()
    made = generate(sdm, prepared, out, count=1, solver="ancestral", nfe=4, progress=False)
    assert (made["solver"], made["nfe"]) == ("ancestral", 4)


def test_coarser_latents_are_a_whole_bundle_too(prepared: Path, tmp_path: Path) -> None:
    out = tmp_path / "bundle"
    assert cli.main(_command(prepared, out, "--family", "edm-l64")) == 0
    assert [check for check in verify_bundle(out) if check.passed is False] == []
    config = json.loads((out / "configs" / "inference.json").read_text())
    assert (config["family"], config["autoencoder_size"]) == ("edm-l64", "quick_l64")
    assert load_file(out / "models" / "diffusion.safetensors")["conv_in.conv.weight"].shape[1] == 1
    generate(out, prepared, tmp_path / "set", count=1, nfe=3, progress=False)
    assert json.loads((tmp_path / "set" / "manifest.json").read_text())["family"] == "edm-l64"


def test_models_of_frames_are_no_base_of_adapters(sdm: Path, prepared: Path, tmp_path: Path) -> None:
    with pytest.raises(EchoSynthError, match="denoises latents, got one of the family sdm"):
        adapt(sdm, prepared, tmp_path / "adapted")


def test_unknown_and_needless_families(prepared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(EchoSynthError, match=r"must be one of edm-l64, .*, got 'ddpm'"):
        train(prepared, tmp_path / "out", "quick", family="ddpm")
    with pytest.raises(SystemExit):
        cli.main(_command(prepared, tmp_path / "out", "--family", "ddpm"))
    assert "invalid choice: 'ddpm'" in capsys.readouterr().err
    for model in ("gan", "segmenter"):
        assert cli.main(_command(prepared, tmp_path / "out", "--family", "ve", "--model", model)) == 2
        assert f"only diffusion has families, got --family ve with --model {model}" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_the_network_of_a_family_sees_the_noise_level_of_its_process(sdm: Path) -> None:
    from monai_echosynth.workflows.bundle_config import build, bundle_parser

    levels = build(bundle_parser(sdm), "preconditioning").coefficients(torch.tensor([0.01, 157.0])).noise
    assert levels.tolist() == [0.0, 999.0]
