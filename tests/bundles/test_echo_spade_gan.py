"""The bundle by the zoo's rules: metadata, properties, network in and out, repeated definitions, two processes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from monai.bundle import ConfigWorkflow, verify_metadata, verify_net_in_out
from safetensors.torch import load_file

from tests.helpers.tiny_prepared import write_tiny_prepared
from tests.helpers.two_processes import run_bundle_twice
from tests.helpers.zoo_bundle import check_zoo_files

TINY: dict[str, Any] = {
    "epochs": 1,
    "samples_per_epoch": 4,
    "batch_size": 2,
    "size": "quick",
    "spatial_size": 32,
    "scales": 1,
    "progress": False,
}

pytestmark = [pytest.mark.filterwarnings("ignore:No hash value provided")]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_prepared(tmp_path_factory.mktemp("prepared"))


@pytest.fixture
def bundle(repository: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(repository / "bundles" / "echo_spade_gan", tmp_path / "echo_spade_gan"))


def _read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def test_files_of_the_zoo_are_there(bundle: Path) -> None:
    check_zoo_files(bundle / "configs", "train.json", "multi_gpu_train.json", "multi_gpu_inference.json")


def test_metadata_fits_the_schema(bundle: Path, schema: Path) -> None:
    verify_metadata(meta_file=str(bundle / "configs" / "metadata.json"), filepath=str(schema))


def test_network_takes_one_tensor_and_fits_the_metadata(bundle: Path) -> None:
    files = {"meta_file": "metadata.json", "config_file": "inference.json"}
    paths = {key: str(bundle / "configs" / name) for key, name in files.items()}
    verify_net_in_out("network_def", **paths, device="cpu")


def test_properties_are_complete_and_one_epoch_runs(bundle: Path, prepared: Path, tmp_path: Path) -> None:
    inference = {"size": "quick", "spatial_size": 32, "count": 2, "output_dir": str(tmp_path / "set")}
    for name, ids in (("train", TINY), ("inference", {**inference, "progress": False})):
        workflow = ConfigWorkflow(
            str(bundle / "configs" / f"{name}.json"),
            logging_file=False,
            workflow_type=name,
            bundle_root=str(bundle),
            dataset_dir=str(prepared),
            **ids,
        )
        workflow.initialize()
        assert workflow.check_properties() == []
        workflow.run()
        workflow.finalize()
    assert all(value.isfinite().all() for value in load_file(bundle / "models" / "model.safetensors").values())
    assert len(_read(tmp_path / "set" / "manifest.json")["images"]) == 2
    assert list((bundle / "eval").glob("events*"))


def test_definitions_that_repeat_agree(bundle: Path, repository: Path) -> None:
    train, inference = (_read(bundle / "configs" / f"{name}.json") for name in ("train", "inference"))
    for key in ("bundle_root", "dataset_dir", "output_dir", "device", "size", "spatial_size", "network_def"):
        assert train[key] == inference[key], key
    base = repository / "bundles" / "echo_generative_diffusion" / "configs"
    diffusion = _read(base / "inference.json")
    for key in ("dataset", "dataloader", "handlers", "evaluator", "initialize", "run", "finalize"):
        assert inference[key] == diffusion[key], key
    assert train["preprocessing_transforms"] == _read(base / "train_diffusion.json")["preprocessing_transforms"]


@pytest.mark.timeout(600)
def test_two_processes_train_one_model(bundle: Path, prepared: Path) -> None:
    run_bundle_twice(bundle, ["train", "multi_gpu_train"], {**TINY, "samples_per_epoch": 8, "dataset_dir": prepared})
    state = load_file(bundle / "models" / "model.safetensors")
    assert all(value.isfinite().all() for value in state.values())
    record = json.loads((bundle / "eval" / "history.json").read_text())[-1]
    assert (record["epoch"], record["iteration"]) == (1, 2)
    assert isinstance(state["head.conv.weight"], torch.Tensor)
