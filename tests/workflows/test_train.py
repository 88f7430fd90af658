"""Training through the bundle's configs: killed anywhere and started again, it ends with the same bits."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from monai_echosynth.errors import EchoSynthError
from monai_echosynth.handlers.save_weights import SaveWeights
from monai_echosynth.losses.gamma_vae import GammaVAELoss
from monai_echosynth.losses.sector_mse import SectorMSE
from monai_echosynth.networks.nets.presets import gamma_autoencoder
from monai_echosynth.networks.weights import save_weights
from monai_echosynth.workflows.segmentation import SEGMENTATION_PRESETS, SegmentationPreset
from monai_echosynth.workflows.train import cache_latents, train, train_autoencoder, train_diffusion
from monai_echosynth.workflows.training_settings import PRESETS, Preset
from monai_echosynth.workflows.verify import verify_bundle
from tests.helpers.tiny_generator import TINY_SETTINGS, scramble
from tests.helpers.tiny_prepared import write_tiny_prepared

Train = Callable[[Path], dict[str, Any]]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_prepared(tmp_path_factory.mktemp("prepared"))


@pytest.fixture(scope="module")
def autoencoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    network = scramble(gamma_autoencoder("quick"), scale=0.05)
    network.normalizer.std.fill_(0.2)
    path = tmp_path_factory.mktemp("autoencoder") / "autoencoder.safetensors"
    save_weights(network, path)
    return path


@pytest.fixture(params=["autoencoder", "diffusion"])
def stage(request: pytest.FixtureRequest, prepared: Path, autoencoder: Path) -> tuple[str, type, Train]:
    """Name, loss and training function of a stage; the function takes the folder to work in."""

    def first(out: Path) -> dict[str, Any]:
        return train_autoencoder(prepared, out, out / "w.safetensors", TINY_SETTINGS, progress=False)

    def second(out: Path) -> dict[str, Any]:
        return train_diffusion(prepared, autoencoder, out, out / "w.safetensors", TINY_SETTINGS, progress=False)

    stages: dict[str, tuple[str, type, Train]] = {
        "autoencoder": ("autoencoder", GammaVAELoss, first),
        "diffusion": ("diffusion", SectorMSE, second),
    }
    return stages[request.param]


def _dies_in_epoch(out: Path, loss: type, epoch: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Raise in the first training step of ``epoch``: once the history knows of ``epoch - 1`` others."""
    forward = loss.forward

    def forward_until(self: Any, *args: Any) -> Any:
        history = out / "history.json"
        done = len(json.loads(history.read_text())) if history.is_file() else 0
        if done == epoch - 1 and torch.is_grad_enabled():
            raise KeyboardInterrupt
        return forward(self, *args)

    monkeypatch.setattr(loss, "forward", forward_until)


def test_resumed_training_ends_with_identical_weights(
    stage: tuple[str, type, Train], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, loss, run = stage
    metrics = run(tmp_path / "whole")
    killed = tmp_path / "killed"
    for die in (
        lambda: _dies_in_epoch(killed, loss, 2, monkeypatch),
        lambda: monkeypatch.setattr(SaveWeights, "__call__", _interrupt),
    ):
        die()
        with pytest.raises(KeyboardInterrupt):
            run(killed)
        monkeypatch.undo()
        assert not (killed / "w.safetensors").exists()
        assert list((killed / "checkpoints").glob("checkpoint.pt"))
    resumed = run(killed)
    whole, again = (load_file(folder / "w.safetensors") for folder in (tmp_path / "whole", killed))
    assert whole.keys() == again.keys()
    assert all(torch.equal(whole[key], again[key]) for key in whole)
    assert [record["epoch"] for record in json.loads((killed / "history.json").read_text())] == [1, 2]
    assert resumed["final_loss"] == metrics["final_loss"]
    assert metrics["epochs"] == 2
    assert metrics["params"] > 1000
    if name == "autoencoder":
        assert {"psnr_in_sector", "ssim_in_sector", "kl", "latent_std", "latent_mean"} <= metrics.keys()
        assert metrics["latent_std"] == pytest.approx(float(whole["normalizer.std"]))
    assert not (killed / "checkpoints").exists()


def _interrupt(*_: Any) -> None:
    raise KeyboardInterrupt


def test_latents_cached_beforehand_change_nothing(prepared: Path, autoencoder: Path, tmp_path: Path) -> None:
    settings = replace(TINY_SETTINGS, diffusion=replace(TINY_SETTINGS.diffusion, epochs=1))
    counts = cache_latents(prepared, autoencoder, tmp_path / "cache", settings)
    assert counts == {"train": 12, "validate": 2}
    stamps = {path: path.stat().st_mtime_ns for path in (tmp_path / "cache").rglob("*.npy")}
    weights = []
    for name, cache in (("with", tmp_path / "cache"), ("without", None)):
        out = tmp_path / name
        train_diffusion(prepared, autoencoder, out, out / "w.safetensors", settings, progress=False, cache_dir=cache)
        weights.append(load_file(out / "w.safetensors"))
    assert all(torch.equal(weights[0][key], weights[1][key]) for key in weights[0])
    assert stamps == {path: path.stat().st_mtime_ns for path in stamps}


def test_train_leaves_a_ready_bundle(prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    budget = {"epochs": 1, "samples_per_epoch": 4}
    tiny = replace(
        TINY_SETTINGS,
        autoencoder=replace(TINY_SETTINGS.autoencoder, **budget),
        diffusion=replace(TINY_SETTINGS.diffusion, **budget),
    )
    monkeypatch.setitem(PRESETS, Preset.QUICK, tiny)  # type: ignore[arg-type]
    root = train(prepared, tmp_path / "bundle", preset="quick", seed=1)
    failed = [check for check in verify_bundle(root) if check.passed is False]
    assert failed == []
    stamps = {path: path.stat().st_mtime_ns for path in (root / "models").glob("*.safetensors")}
    assert {"autoencoder.safetensors", "diffusion.safetensors"} <= {path.name for path in stamps}
    train(prepared, root, preset="quick", seed=1)
    assert stamps == {path: path.stat().st_mtime_ns for path in stamps}
    with pytest.raises(EchoSynthError, match="seed = 1, not 2"):
        train(prepared, root, preset="quick", seed=2)
    metadata = json.loads((root / "configs" / "metadata.json").read_text())
    formats = metadata["network_data_format"]["inputs"]
    assert formats["image"]["spatial_shape"] == [16, 16]
    assert formats["seg"]["spatial_shape"] == [32, 32]


def test_frames_of_another_size_are_refused(prepared: Path, tmp_path: Path) -> None:
    with pytest.raises(EchoSynthError, match=r"128 x 128 pixels are needed .* got \[32, 32\]"):
        train(prepared, tmp_path / "bundle", preset="cpu")


def test_budgets_scale_the_preset() -> None:
    quick = PRESETS[Preset.QUICK]
    assert quick.scaled(1.0) == quick
    assert quick.scaled(2.5).diffusion.epochs == 40 and quick.scaled(2.5).autoencoder.epochs == 50
    assert quick.scaled(1e-6).diffusion.epochs == 1
    segmenter = SEGMENTATION_PRESETS[SegmentationPreset.QUICK]
    assert segmenter.scaled(2).iterations == 2 * segmenter.iterations
    for scale in (quick.scaled, segmenter.scaled):
        with pytest.raises(EchoSynthError, match="budget"):
            scale(0.0)
