"""Weights, checkpoints and folders that belong to something else: refused by name, nothing lost."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from monai_echosynth import cli
from monai_echosynth.commands import train
from monai_echosynth.networks.nets.segmenter import segmenter
from monai_echosynth.networks.weights import save_weights
from monai_echosynth.workflows.segmentation import (
    write_bundle,
)
from tests.helpers.damage import unfinished
from tests.helpers.tiny_generator import TINY_SETTINGS, write_tiny_bundle
from tests.helpers.tiny_prepared import write_tiny_prepared
from tests.helpers.tiny_segmenter import TINY_SEGMENTER
from tests.helpers.tiny_views import write_tiny_views

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning", "ignore::FutureWarning")

Fails = Callable[..., str]
Training = Callable[[str, Path, Path], list[object]]

# weights and checkpoints


def test_weights_of_another_network(tmp_path: Path, fails: Fails, generator: Path, segmentation: Path) -> None:
    data = write_tiny_prepared(tmp_path / "data")
    wrong, foreign = (write_tiny_bundle(tmp_path / name) / "models" for name in ("wrong", "foreign"))
    (wrong / "autoencoder.safetensors").replace(wrong / "diffusion.safetensors")
    write_tiny_bundle(tmp_path / "spare")
    (tmp_path / "spare/models/autoencoder.safetensors").replace(wrong / "autoencoder.safetensors")
    (foreign / "diffusion.safetensors").write_bytes(b"no weights at all")
    write_bundle(tmp_path / "seg", TINY_SEGMENTER)
    save_weights(segmenter(32, 6), tmp_path / "seg/models/model.safetensors")
    out = ["--out", tmp_path / "out"]
    for root, words in (
        (wrong, ("another network", "choose the file")),
        (foreign, ("cannot be read", "copy or train")),
    ):
        command = ["generate", "--bundle", root.parent, "--masks", data, *out, "--nfe", "1"]
        fails(command, root / "diffusion.safetensors", *words)
    fails(["evaluate", "--bundle", tmp_path / "seg", "--data", data, *out], "model.safetensors", "another network")
    fails(["evaluate", "--bundle", generator, "--data", data, *out], generator, "evaluate.json")
    fails(["generate", "--bundle", segmentation, "--masks", data, *out], segmentation, "echo_generative_diffusion")
    (foreign / "diffusion.safetensors").unlink()
    fails(["generate", "--bundle", foreign.parent, "--masks", data, *out], "diffusion.safetensors", "train the network")
    assert unfinished(tmp_path / "out")


def test_verify_finds_weights_of_another_network(
    tmp_path: Path, segmentation: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_bundle(tmp_path / "seg", TINY_SEGMENTER)
    save_weights(segmenter(32, 6), tmp_path / "seg/models/model.safetensors")
    assert cli.main(["verify", "--bundle", str(tmp_path / "seg")]) == 1
    assert "another network" in capsys.readouterr().out


@pytest.mark.parametrize("content", ["other", "garbage", "nothing"])
def test_checkpoint_of_another_network(content: str, tmp_path: Path, fails: Fails, tiny_presets: None) -> None:
    import torch

    checkpoint = tmp_path / "out" / "eval" / "autoencoder" / "checkpoints" / "checkpoint.pt"
    data = write_tiny_prepared(tmp_path / "data")
    command = ["train", "--preset", "quick", "--data", data, "--out", tmp_path / "out"]
    fails_before_training = [*command[:-1], data / "dataset.json" / "below"]
    fails(fails_before_training, "dataset.json")
    from monai_echosynth.workflows.train import claim_training

    claim_training(tmp_path / "out", data, TINY_SETTINGS, 0)
    checkpoint.parent.mkdir(parents=True)
    if content == "other":
        state = {
            "network": segmenter(32, 4).state_dict(),
            "average": {},
            "optimizer": {},
            "lr_scheduler": {},
            "trainer": {},
        }
        torch.save(state, checkpoint)
    else:
        checkpoint.write_bytes(b"garbage" if content == "garbage" else b"")
    fails(command, checkpoint, "remove its folder")
    assert unfinished(tmp_path / "out")


def test_training_leaves_other_folders_alone(tmp_path: Path, fails: Fails, training: Training) -> None:
    data = write_tiny_views(tmp_path / "data")
    kept = tmp_path / "out" / "models" / "mine.txt"
    kept.parent.mkdir(parents=True)
    kept.write_text("dear to me")
    for model in train.MODELS:
        fails(training(model, data, tmp_path / "out"), tmp_path / "out", "choose another")
    assert [path for path in (tmp_path / "out").rglob("*") if path.is_file()] == [kept]
