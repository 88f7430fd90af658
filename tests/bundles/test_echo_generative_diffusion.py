"""The bundle by the zoo's rules: metadata, properties, network in and out, each config once, overrides, two processes."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from monai.bundle import ConfigParser, ConfigWorkflow, verify_metadata
from safetensors.torch import load_file

from tests.helpers.tiny_generator import write_tiny_bundle
from tests.helpers.tiny_prepared import write_tiny_prepared
from tests.helpers.two_processes import run_bundle_twice
from tests.helpers.zoo_bundle import check_network, check_zoo_files

CONFIGS = {"train_autoencoder": "train", "train_diffusion": "train", "inference": "inference"}
TINY: dict[str, Any] = {"epochs": 1, "samples_per_epoch": 4, "batch_size": 2, "progress": False}

pytestmark = [pytest.mark.filterwarnings("ignore:No hash value provided")]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_prepared(tmp_path_factory.mktemp("prepared"))


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return write_tiny_bundle(tmp_path / "echo_generative_diffusion")


@pytest.fixture(scope="module")
def configs(repository: Path) -> Path:
    return repository / "bundles" / "echo_generative_diffusion" / "configs"


def _workflow(bundle: Path, name: str, prepared: Path, **ids: Any) -> ConfigWorkflow:
    settings: dict[str, Any] = {"dataset_dir": str(prepared), "progress": False}
    settings |= TINY if CONFIGS[name] == "train" else {"count": 2, "nfe": 3}
    return ConfigWorkflow(
        str(bundle / "configs" / f"{name}.json"),
        logging_file=False,
        workflow_type=CONFIGS[name],
        bundle_root=str(bundle),
        **{**settings, **ids},
    )


def _read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def test_files_of_the_zoo_are_there(configs: Path) -> None:
    check_zoo_files(
        configs, "train_autoencoder.json", "train_diffusion.json", "multi_gpu_train.json", "multi_gpu_inference.json"
    )


def test_metadata_fits_the_schema(configs: Path, schema: Path) -> None:
    verify_metadata(meta_file=str(configs / "metadata.json"), filepath=str(schema))


def test_network_fits_the_metadata(configs: Path) -> None:
    check_network(configs)


def test_metadata_tells_the_latent_grid(configs: Path) -> None:
    parser = ConfigParser(_read(configs / "inference.json"))
    with torch.device("meta"):
        downsampling = parser.get_parsed_content("autoencoder_def").downsampling
    inputs = _read(configs / "metadata.json")["network_data_format"]["inputs"]
    assert inputs["image"]["spatial_shape"] == [side // downsampling for side in inputs["seg"]["spatial_shape"]]


@pytest.mark.parametrize("name", CONFIGS)
def test_properties_are_complete_and_one_epoch_runs(bundle: Path, prepared: Path, name: str) -> None:
    before = {path.name: load_file(path) for path in (bundle / "models").glob("*.safetensors")}
    ids = {"output_dir": str(bundle / "set")} if name == "inference" else {}
    workflow = _workflow(bundle, name, prepared, **ids)
    workflow.initialize()
    assert workflow.check_properties() == []
    workflow.run()
    workflow.finalize()
    if name == "inference":
        assert len(_read(bundle / "set" / "manifest.json")["images"]) == 2
        return
    written = f"{name.removeprefix('train_')}.safetensors"
    after = load_file(bundle / "models" / written)
    assert any(not torch.equal(after[key], before[written][key]) for key in after)
    assert all(value.isfinite().all() for value in after.values())
    record = _read_history(bundle)[-1]
    assert record["epoch"] == 1 and record["iteration"] == 2
    assert any(key.startswith("validation_") for key in record)
    assert list((bundle / "eval").glob("events*"))


def _read_history(bundle: Path) -> list[dict[str, Any]]:
    records: list[dict[str, Any]] = json.loads((bundle / "eval" / "history.json").read_text())
    return records


@pytest.mark.parametrize("separator", ["#", "::"])
def test_both_separators_of_ids_work(bundle: Path, prepared: Path, separator: str) -> None:
    ids = {separator.join(("train", "dataloader", "batch_size")): 3, separator.join(("train", "sampler", "seed")): 9}
    workflow = _workflow(bundle, "train_autoencoder", prepared, **ids)
    workflow.initialize()
    loader = workflow.parser.get_parsed_content("train::dataloader")
    assert loader.batch_size == 3
    assert loader.sampler.seed == 9
    assert workflow.parser.get_parsed_content("train#dataloader") is loader


def test_definitions_that_repeat_agree(configs: Path) -> None:
    parsed = {name: _read(configs / f"{name}.json") for name in CONFIGS}
    diffusion, inference, first = (parsed[name] for name in ("train_diffusion", "inference", "train_autoencoder"))
    for key in ("network_def", "size", "autoencoder_def", "autoencoder_size", "autoencoder"):
        assert diffusion[key] == inference[key], key
    assert diffusion["preconditioning"] == inference["preconditioning"] | {"log_mean": "@log_sigma_mean"}
    assert first["network_def"] == "@autoencoder_def"
    assert first["autoencoder_def"]["_target_"] == inference["autoencoder_def"]["_target_"]
    assert first["size"] == inference["autoencoder_size"]
    assert first["weights_path"] == diffusion["autoencoder_path"] == inference["autoencoder_path"]
    assert diffusion["weights_path"] == inference["weights_path"]
    assert first["preprocessing_transforms"] == diffusion["preprocessing_transforms"]
    for key in ("bundle_root", "device", "dataset_dir", "output_dir"):
        assert first[key] == diffusion[key] == inference[key], key


def test_no_absolute_paths_and_no_downloads(configs: Path) -> None:
    for path in configs.glob("*.json"):
        content = _read(path)
        content.pop("schema", None)
        content.pop("references", None)
        for text in _strings(content):
            assert not re.match(r"^(/|[A-Za-z]:\\|~)", text), f"{path.name}: {text}"
            assert "http" not in text, f"{path.name}: {text}"


def _strings(value: Any) -> list[str]:
    if isinstance(value, Mapping):
        return [text for item in value.values() for text in _strings(item)]
    if isinstance(value, list):
        return [text for item in value for text in _strings(item)]
    return [value] if isinstance(value, str) else []


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", ["train_autoencoder", "train_diffusion"])
def test_two_processes_train_one_model(bundle: Path, prepared: Path, name: str) -> None:
    weights = bundle / "models" / f"{name.removeprefix('train_')}.safetensors"
    before = load_file(weights)
    run_bundle_twice(bundle, [name, "multi_gpu_train"], {**TINY, "dataset_dir": prepared})
    after = load_file(weights)
    assert before.keys() == after.keys()
    assert any(not torch.equal(before[key], after[key]) for key in before)
    record = _read_history(bundle)[-1]
    assert (record["epoch"], record["iteration"]) == (1, 1)
