"""A generator that is told view and phase: trained on classes, drawing by the mask's class, clear where there is none."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from monai_echosynth import cli
from monai_echosynth.data.atomic import write_json
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.networks.nets.presets import spade_unet
from monai_echosynth.networks.weights import load_weights, save_weights
from monai_echosynth.workflows.adapt import adapt
from monai_echosynth.workflows.checksums import write_checksums
from monai_echosynth.workflows.generate import generate
from monai_echosynth.workflows.train import train
from monai_echosynth.workflows.training_settings import PRESETS, Preset
from monai_echosynth.workflows.verify import verify_bundle
from tests.helpers.tiny_generator import TINY_SETTINGS, scramble
from tests.helpers.tiny_prepared import write_tiny_prepared

pytestmark = [
    pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning", "ignore::FutureWarning"),
    pytest.mark.timeout(600),
]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_prepared(tmp_path_factory.mktemp("prepared"))


@pytest.fixture(scope="module")
def trained(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A generator trained with the program, then scrambled: two steps leave layers that start at zero too small to show."""
    out = tmp_path_factory.mktemp("generator") / "bundle"
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(PRESETS, Preset.QUICK, TINY_SETTINGS)
        command = ["train", "--conditioned", "--preset", "quick", "--data", str(prepared), "--out", str(out)]
        assert cli.main(command) == 0
    weights = out / "models" / "diffusion.safetensors"
    network = spade_unet("quick", num_class_embeds=2)
    save_weights(scramble(load_weights(network, weights), scale=0.05), weights)
    write_checksums(out)
    return out


def _masks(prepared: Path, folder: Path, change: Callable[[dict[str, str]], None]) -> Path:
    """A copy of the prepared folder with other items."""
    shutil.copytree(prepared, folder)
    content = json.loads((folder / "dataset.json").read_text())
    for item in content["training"]:
        change(item)
    write_json(folder / "dataset.json", content)
    return folder


def _swap(item: dict[str, str]) -> None:
    item["phase"] = {"ED": "ES", "ES": "ED"}[item["phase"]]


def _images(folder: Path) -> list[str]:
    return [image["image_sha256"] for image in json.loads((folder / "manifest.json").read_text())["images"]]


def test_classes_come_from_the_data_and_are_trained(trained: Path) -> None:
    for name in ("train_diffusion", "inference"):
        config = json.loads((trained / "configs" / f"{name}.json").read_text())
        assert config["conditions"] == ["4CH ED", "4CH ES"]
    state = load_file(trained / "models" / "diffusion.safetensors")
    assert state["class_embedding.weight"].shape[0] == 2
    assert all(check.passed is not False for check in verify_bundle(trained))


def test_the_same_mask_is_drawn_by_its_class(trained: Path, prepared: Path, tmp_path: Path) -> None:
    swapped = _masks(prepared, tmp_path / "swapped", _swap)
    options = {"count": 2, "nfe": 3, "progress": False}
    generate(trained, prepared, tmp_path / "one", **options)
    generate(trained, prepared, tmp_path / "two", batch_size=1, **options)
    generate(trained, swapped, tmp_path / "other", **options)
    assert _images(tmp_path / "one") == _images(tmp_path / "two")
    assert not set(_images(tmp_path / "one")) & set(_images(tmp_path / "other"))
    manifest = json.loads((tmp_path / "one" / "manifest.json").read_text())
    assert manifest["conditions"] == ["4CH ED", "4CH ES"]
    with pytest.raises(EchoSynthError, match="holds a set made with masks"):
        generate(trained, swapped, tmp_path / "one", **options)


def test_masks_without_a_known_class_are_refused(trained: Path, prepared: Path, tmp_path: Path) -> None:
    for number, (change, words) in enumerate(
        {
            lambda item: item.pop("view"): "needs both of every frame and mask, got view ''",
            lambda item: item.update(view="2CH"): "draws 4CH ED, 4CH ES, got 2CH ED in patient0000",
        }.items()
    ):
        masks = _masks(prepared, tmp_path / f"masks{number}", change)
        with pytest.raises(EchoSynthError, match=words):
            generate(trained, masks, tmp_path / "out", count=1, nfe=1, progress=False)
    assert not (tmp_path / "out").exists()


def test_training_data_without_view_is_refused(prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PRESETS, Preset.QUICK, TINY_SETTINGS)
    data = _masks(prepared, tmp_path / "data", lambda item: item.pop("phase"))
    with pytest.raises(EchoSynthError, match="needs both of every frame"):
        train(data, tmp_path / "out", Preset.QUICK, conditioned=True)
    assert not (tmp_path / "out").exists()


def test_a_plain_training_does_not_go_on_in_its_folder(
    trained: Path, prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PRESETS, Preset.QUICK, TINY_SETTINGS)
    with pytest.raises(EchoSynthError, match=r"conditions = \['4CH ED', '4CH ES'\], not None"):
        train(prepared, trained, Preset.QUICK)
    with pytest.raises(EchoSynthError, match="not conditioned on view and phase"):
        adapt(trained, prepared, tmp_path / "adapted")


def test_only_generators_are_conditioned(prepared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = [
        "train",
        "--model",
        "segmenter",
        "--conditioned",
        "--data",
        str(prepared),
        "--out",
        str(tmp_path / "out"),
    ]
    assert cli.main(command) == 2
    assert "only diffusion is conditioned" in capsys.readouterr().err


def test_batches_carry_the_class_as_the_network_wants_it() -> None:
    from monai_echosynth.diffusion.edm import EDM
    from monai_echosynth.engines.denoising_batch import DenoisingPrepareBatch
    from monai_echosynth.engines.mask_batch import MaskPrepareBatch

    batch = {
        "latent": torch.zeros(2, 1, 4, 4),
        "seg": torch.zeros(2, 5, 4, 4),
        "sector": torch.ones(2, 1, 4, 4),
        "label": torch.zeros(2, 1, 4, 4),
        "seed": torch.tensor([1, 2]),
        "index": torch.tensor([0, 1]),
        "condition": torch.tensor([1, 0]),
    }
    for prepare in (DenoisingPrepareBatch(EDM()), MaskPrepareBatch()):
        labels = prepare(batch)[3]["class_labels"]
        assert labels.dtype is torch.int64 and labels.tolist() == [1, 0]
        plain = {key: value for key, value in batch.items() if key != "condition"}
        assert "class_labels" not in prepare(plain)[3]
