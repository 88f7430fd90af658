"""An adapter is trained on frames with labels of their own, saved alone, and generates; the base stays as it was."""

from __future__ import annotations

import json
import math
import shutil
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from monai_echosynth.adaptation import LoRASettings, base_digest, read_adapter_info
from monai_echosynth.adaptation.lora_settings import lora_shapes
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.networks.nets.presets import spade_unet
from monai_echosynth.networks.weights import load_weights
from monai_echosynth.workflows.adapt import adapt
from monai_echosynth.workflows.adaptation_settings import AdaptationSettings
from monai_echosynth.workflows.generate import generate
from tests.helpers.tiny_chambers import write_tiny_chambers
from tests.helpers.tiny_generator import write_tiny_bundle
from tests.helpers.tiny_prepared import write_tiny_prepared

pytest.importorskip("peft", reason="adapters: install the extra lora")

SETTINGS = AdaptationSettings(rank=2, epochs=2, samples_per_epoch=8, batch_size=4, decoder_epochs=3, variants=2)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_bundle(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_chambers(tmp_path_factory.mktemp("chambers"))


@pytest.fixture(scope="module")
def bundle(base: Path, data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("adapted") / "bundle"
    made = adapt(base, data, out, settings=SETTINGS, progress=False)
    assert made["frames"] == 6
    assert made["epochs"] == 2
    assert made["bytes"] == (out / "models" / "adapter.safetensors").stat().st_size
    return out


def test_the_adapter_knows_its_base_its_rules_and_its_labels(base: Path, bundle: Path) -> None:
    info = read_adapter_info(bundle / "models" / "adapter.safetensors")
    network = load_weights(spade_unet("quick"), base / "models" / "diffusion.safetensors")
    assert info.base == base_digest(network)
    assert info.settings.rank == 2
    assert info.remapping is not None and info.label_table is not None
    assert info.label_table["name"] == "chambers"
    assert {rule["target"] for rule in info.remapping["rules"]} == {"outside", "lv_endo", "la", "sector"}


def test_the_base_in_the_bundle_is_the_base(base: Path, bundle: Path) -> None:
    for name in ("autoencoder", "diffusion"):
        path = Path("models") / f"{name}.safetensors"
        assert (bundle / path).read_bytes() == (base / path).read_bytes()


def test_the_decoder_learns_and_the_latents_stay(bundle: Path) -> None:
    before, after = (load_file(bundle / "models" / f"{name}autoencoder.safetensors") for name in ("", "adapted_"))
    moved = {name.split(".")[0] for name in before if not torch.equal(before[name], after[name])}
    assert moved == {"decoder", "post_quant_conv"}
    history = json.loads((bundle / "eval" / "decoder" / "history.json").read_text())
    assert len(history) == SETTINGS.decoder_epochs
    assert history[-1]["validation_psnr_in_sector"] > history[0]["validation_psnr_in_sector"]


def test_the_decoder_of_the_base_can_be_kept(base: Path, data: Path, tmp_path: Path) -> None:
    adapt(base, data, tmp_path / "bundle", settings=replace(SETTINGS, epochs=1, decoder_epochs=0), progress=False)
    models = tmp_path / "bundle" / "models"
    assert (models / "adapted_autoencoder.safetensors").read_bytes() == (
        models / "autoencoder.safetensors"
    ).read_bytes()


def test_images_carry_the_labels_of_the_new_table(bundle: Path, data: Path, tmp_path: Path) -> None:
    made = generate(bundle, data, tmp_path / "set", count=3, nfe=2, solver="euler", progress=False)
    assert made["count"] == 3
    content = json.loads((tmp_path / "set" / "dataset.json").read_text())
    assert content["labels"] == {"0": "outside", "1": "lv", "2": "ra", "3": "la", "4": "sector"}
    item = content["training"][0]
    written, guide = (np.asarray(nib.load(p).dataobj) for p in _maps(tmp_path / "set", data, item))  # type: ignore[attr-defined]
    assert np.array_equal(written, guide)


def _maps(folder: Path, data: Path, item: dict[str, str]) -> tuple[Path, Path]:
    return folder / item["label"], data / "labels" / f"{item['mask']}.nii.gz"


def test_the_adapter_changes_the_images(base: Path, bundle: Path, data: Path, tmp_path: Path) -> None:
    plain = write_tiny_prepared(tmp_path / "plain")
    for name, root, masks in (("adapted", bundle, data), ("base", base, plain)):
        generate(root, masks, tmp_path / name, count=1, nfe=2, solver="euler", progress=False)
    first = [next((tmp_path / name / "images").iterdir()).read_bytes() for name in ("adapted", "base")]
    assert first[0] != first[1]


def test_finished_training_is_not_repeated(base: Path, data: Path, bundle: Path) -> None:
    before = (bundle / "models" / "adapter.safetensors").stat().st_mtime_ns
    adapt(base, data, bundle, settings=SETTINGS, progress=False)
    assert (bundle / "models" / "adapter.safetensors").stat().st_mtime_ns == before


def test_masks_of_another_table_are_refused(bundle: Path, tmp_path: Path) -> None:
    plain = write_tiny_prepared(tmp_path / "plain")
    with pytest.raises(EchoSynthError, match="labels of the table 'chambers'"):
        generate(bundle, plain, tmp_path / "set", count=1, nfe=1, progress=False)


def test_fewer_frames_than_a_batch_are_refused(base: Path, data: Path, tmp_path: Path) -> None:
    with pytest.raises(EchoSynthError, match=r"6 frames .* batch_size = 16"):
        adapt(base, data, tmp_path / "out", settings=AdaptationSettings(), progress=False)
    assert not (tmp_path / "out").exists()


def test_a_base_without_weights_is_refused(base: Path, data: Path, tmp_path: Path) -> None:
    shutil.copytree(base, tmp_path / "base")
    (tmp_path / "base" / "models" / "diffusion.safetensors").unlink()
    with pytest.raises(EchoSynthError, match=r"without models/diffusion\.safetensors"):
        adapt(tmp_path / "base", data, tmp_path / "out", settings=SETTINGS, progress=False)


def test_rules_for_another_table_are_refused(base: Path, data: Path, bundle: Path, tmp_path: Path) -> None:
    rules = json.loads((bundle / "rules.json").read_text())
    for row in rules["source"]["labels"]:
        row["name"] = {"ra": "rv"}.get(row["name"], row["name"])
    for rule in rules["rules"]:
        rule["labels"] = [{"ra": "rv"}.get(name, name) for name in rule["labels"]]
    (tmp_path / "rules.json").write_text(json.dumps(rules))
    with pytest.raises(EchoSynthError, match="2 rv"):
        adapt(base, data, tmp_path / "out", tmp_path / "rules.json", SETTINGS, progress=False)


@pytest.mark.parametrize("method", ["full", "scratch"])
def test_the_whole_network_is_trained_for_comparison(method: str, base: Path, data: Path, tmp_path: Path) -> None:
    settings = replace(SETTINGS, method=method, epochs=1)
    made = adapt(base, data, tmp_path / "bundle", settings=settings, progress=False)
    network = load_weights(spade_unet("quick"), tmp_path / "bundle" / "models" / "network.safetensors")
    start = load_weights(spade_unet("quick"), base / "models" / "diffusion.safetensors")
    assert made["params"] == sum(parameter.numel() for parameter in network.parameters())
    distance = max(
        float((a - b).detach().abs().max()) for a, b in zip(network.parameters(), start.parameters(), strict=True)
    )
    assert 0 < distance < 0.05 if method == "full" else distance > 0.05
    made = generate(tmp_path / "bundle", data, tmp_path / "set", count=2, solver="euler", nfe=2, progress=False)
    assert made["new"] == 2


@pytest.mark.parametrize("size", ["quick", "cpu", "l64", "l128"])
def test_an_adapter_has_one_size_whatever_the_base(size: str) -> None:
    settings = AdaptationSettings().sized(size)
    assert settings.rank is not None
    with torch.device("meta"):
        network = spade_unet(size)
    shapes = lora_shapes(network, LoRASettings(settings.groups, settings.rank))  # type: ignore[arg-type]
    trainable = sum(math.prod(shape) for pair in shapes.values() for shape in pair)
    assert 5e4 < trainable < 2e5 and 4 * trainable < 2**20


def test_a_chosen_rank_is_kept() -> None:
    assert AdaptationSettings(rank=3).sized("quick").rank == 3
    assert AdaptationSettings(method="full").sized("quick").rank == 1
