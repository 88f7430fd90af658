"""The bundle by the zoo's rules: metadata, properties, network in and out, each config once for each guide, two processes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from monai.bundle import ConfigWorkflow, verify_metadata, verify_net_in_out
from safetensors.torch import load_file

from monai_echosynth.networks.nets.guided_unet import guided_unet
from monai_echosynth.networks.weights import save_weights
from tests.helpers.tiny_guided import write_text_encoder, write_tiny_guided, write_tiny_lesions
from tests.helpers.two_processes import run_bundle_twice
from tests.helpers.zoo_bundle import check_zoo_files

CONFIGS = {"train_autoencoder": "train", "train_diffusion": "train", "inference": "inference"}
TINY: dict[str, Any] = {"epochs": 1, "samples_per_epoch": 4, "batch_size": 2, "progress": False}
SHARED = ("network_def", "size", "autoencoder_def", "autoencoder_size", "autoencoder", "preconditioning")

pytestmark = [pytest.mark.filterwarnings("ignore:No hash value provided")]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_lesions(tmp_path_factory.mktemp("lesions"))


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return write_tiny_guided(tmp_path / "ultrasound_guided_diffusion")


@pytest.fixture(scope="module")
def configs(repository: Path) -> Path:
    return repository / "bundles" / "ultrasound_guided_diffusion" / "configs"


def _workflow(bundle: Path, name: str, prepared: Path, **ids: Any) -> ConfigWorkflow:
    settings: dict[str, Any] = {"dataset_dir": str(prepared), "progress": False}
    settings |= TINY if CONFIGS[name] == "train" else {"nfe": 4, "output_dir": str(bundle / "set")}
    return ConfigWorkflow(
        str(bundle / "configs" / f"{name}.json"),
        logging_file=False,
        workflow_type=CONFIGS[name],
        bundle_root=str(bundle),
        **{**settings, **ids},
    )


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def test_files_of_the_zoo_are_there(configs: Path) -> None:
    check_zoo_files(
        configs, "train_autoencoder.json", "train_diffusion.json", "multi_gpu_train.json", "multi_gpu_inference.json"
    )


def test_metadata_fits_the_schema(configs: Path, schema: Path) -> None:
    verify_metadata(meta_file=str(configs / "metadata.json"), filepath=str(schema))


def test_network_fits_the_metadata(configs: Path) -> None:
    verify_net_in_out(
        "network_def",
        meta_file=str(configs / "metadata.json"),
        config_file=str(configs / "inference.json"),
        device="cpu",
        extra_forward_args={"timesteps": torch.zeros(1), "condition": torch.zeros(1)},
        size="quick",
    )


@pytest.mark.parametrize("name", CONFIGS)
def test_properties_are_complete_and_one_epoch_runs(bundle: Path, prepared: Path, name: str) -> None:
    before = {path.name: load_file(path) for path in (bundle / "models").glob("*.safetensors")}
    workflow = _workflow(bundle, name, prepared)
    workflow.initialize()
    assert workflow.check_properties() == []
    workflow.run()
    workflow.finalize()
    if name == "inference":
        assert [image["view"] for image in _read(bundle / "set" / "manifest.json")["images"]] == [
            "benign",
            "malignant",
            "normal",
        ]
        return
    written = f"{name.removeprefix('train_')}.safetensors"
    after = load_file(bundle / "models" / written)
    assert any(not torch.equal(after[key], before[written][key]) for key in after)
    assert all(value.isfinite().all() for value in after.values())
    record = _read(bundle / "eval" / "history.json")[-1]
    assert record["epoch"] == 1 and record["iteration"] == 2
    assert any(key.startswith("validation_") for key in record)


def test_a_guide_picture_trains_and_draws(bundle: Path, prepared: Path) -> None:
    save_weights(guided_unet("quick", "image"), bundle / "models" / "diffusion.safetensors")
    workflow = _workflow(bundle, "train_diffusion", prepared, guidance="image")
    workflow.initialize()
    assert workflow.check_properties() == []
    workflow.run()
    picture = str(next((prepared / "images").iterdir()))
    workflow = _workflow(bundle, "inference", prepared, guidance="image", image=picture, count=2)
    workflow.initialize()
    assert workflow.check_properties() == []
    workflow.run()
    workflow.finalize()
    assert len(_read(bundle / "set" / "manifest.json")["images"]) == 2


@pytest.mark.filterwarnings("ignore")
def test_a_text_trains_and_draws(bundle: Path, prepared: Path, tmp_path: Path) -> None:
    pytest.importorskip("transformers")
    encoder = {"guidance": "text", "text_encoder": str(write_text_encoder(tmp_path / "clip"))}
    workflow = _workflow(bundle, "train_diffusion", prepared, **encoder)
    workflow.initialize()
    assert workflow.check_properties() == []
    workflow.run()
    texts = ["a benign lesion", "normal tissue", "something else"]
    workflow = _workflow(bundle, "inference", prepared, texts=texts, text_width=16, **encoder)
    workflow.initialize()
    assert workflow.check_properties() == []
    workflow.run()
    workflow.finalize()
    assert [image["view"] for image in _read(bundle / "set" / "manifest.json")["images"]] == ["benign", "normal", ""]


def test_definitions_that_repeat_agree(configs: Path, repository: Path) -> None:
    parsed = {name: _read(configs / f"{name}.json") for name in CONFIGS}
    diffusion, inference, first = (parsed[name] for name in ("train_diffusion", "inference", "train_autoencoder"))
    for key in SHARED:
        assert diffusion[key] == inference[key], key
    assert first["autoencoder_def"] == {**inference["autoencoder_def"], "size": "@size"}
    assert first["size"] == inference["autoencoder_size"]
    assert first["weights_path"] == diffusion["autoencoder_path"] == inference["autoencoder_path"]
    assert diffusion["weights_path"] == inference["weights_path"]
    assert first["preprocessing_transforms"] == diffusion["preprocessing_transforms"]
    assert diffusion["spatial_size"] == inference["spatial_size"]
    home = repository / "bundles" / "echo_generative_diffusion" / "configs"
    assert _read(home / "multi_gpu_train.json") == _read(configs / "multi_gpu_train.json")
    assert _read(home / "multi_gpu_inference.json") == _read(configs / "multi_gpu_inference.json")
    for name in ("train_autoencoder", "train_diffusion"):
        echo = _read(home / f"{name}.json")
        for key in ("optimizer", "lr_scheduler", "checkpointed", "bundle_root", "device", "initialize", "run"):
            assert parsed[name][key] == echo[key], key


def test_the_family_is_that_of_the_paper(configs: Path) -> None:
    family = _read(configs / "train_diffusion.json")["preconditioning"]
    assert family["num_train_timesteps"] == 1000 and family["schedule"] == "linear"
    assert (family["beta_start"], family["beta_end"]) == (1e-4, 0.02)
    assert _read(configs / "train_diffusion.json")["loss"] == {"_target_": "torch.nn.L1Loss"}


@pytest.mark.timeout(600)
def test_two_processes_train_one_model(bundle: Path, prepared: Path) -> None:
    weights = bundle / "models" / "diffusion.safetensors"
    before = load_file(weights)
    run_bundle_twice(bundle, ["train_diffusion", "multi_gpu_train"], {**TINY, "dataset_dir": prepared})
    after = load_file(weights)
    assert any(not torch.equal(before[key], after[key]) for key in before)
    record = _read(bundle / "eval" / "history.json")[-1]
    assert (record["epoch"], record["iteration"]) == (1, 1)
