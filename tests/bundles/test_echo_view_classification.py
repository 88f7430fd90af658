"""The bundle by the zoo's rules: metadata, properties, network in and out, each config once, resume, two processes."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from ignite.engine import Events
from monai.bundle import ConfigParser, ConfigWorkflow, verify_metadata, verify_net_in_out

from monai_echosynth.networks.nets.presets import view_classifier
from monai_echosynth.networks.weights import save_weights
from tests.helpers.tiny_views import write_tiny_views
from tests.helpers.two_processes import run_bundle_twice
from tests.helpers.zoo_bundle import check_zoo_files

NAME = "echo_view_classification"
TINY = {
    "spatial_size": 32,
    "size": "quick",
    "iterations": 4,
    "epoch_iterations": 2,
    "batch_size": 4,
    "val_interval": 1,
}
OVERLAYS = {"inference": ["inference"], "evaluate": ["inference", "evaluate"]}

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*always_return_as_numpy.*:FutureWarning"),
    pytest.mark.filterwarnings("ignore:No hash value provided"),
    pytest.mark.filterwarnings("ignore:Converting a tensor with requires_grad=True"),
]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_views(tmp_path_factory.mktemp("prepared"))


@pytest.fixture
def bundle(repository: Path, tmp_path: Path) -> Path:
    """A copy of the bundle with weights of a tiny network."""
    target = tmp_path / NAME
    shutil.copytree(repository / "bundles" / NAME, target)
    torch.manual_seed(0)
    save_weights(view_classifier("quick"), target / "models" / "model.safetensors")
    return target


def _workflow(bundle: Path, names: list[str], kind: str, **ids: Any) -> ConfigWorkflow:
    files = [str(bundle / "configs" / f"{name}.json") for name in names]
    return ConfigWorkflow(files, logging_file=False, workflow_type=kind, bundle_root=str(bundle), **ids)


def _train(bundle: Path, prepared: Path, die_at: int | None = None, **ids: Any) -> dict[str, torch.Tensor]:
    workflow = _workflow(bundle, ["train"], "train", dataset_dir=str(prepared), progress=False, **{**TINY, **ids})
    workflow.initialize()

    def die(_: Any) -> None:
        raise KeyboardInterrupt

    if die_at is not None:
        workflow.trainer.add_event_handler(Events.ITERATION_COMPLETED(once=die_at), die)
    workflow.run()
    workflow.finalize()
    return torch.load(bundle / "models" / "model.pt", weights_only=True)


def test_files_of_the_zoo_are_there(repository: Path) -> None:
    check_zoo_files(repository / "bundles" / NAME / "configs", "train.json", "evaluate.json", "multi_gpu_train.json")


def test_metadata_fits_the_schema(repository: Path, schema: Path) -> None:
    verify_metadata(meta_file=str(repository / "bundles" / NAME / "configs" / "metadata.json"), filepath=str(schema))


def test_network_fits_the_metadata(repository: Path) -> None:
    configs = repository / "bundles" / NAME / "configs"
    verify_net_in_out(
        "network_def",
        meta_file=str(configs / "metadata.json"),
        config_file=str(configs / "inference.json"),
        device="cpu",
        size="quick",
    )


@pytest.mark.parametrize(("names", "kind"), [(["train"], "train"), *((v, "inference") for v in OVERLAYS.values())])
def test_properties_are_complete(bundle: Path, prepared: Path, names: list[str], kind: str) -> None:
    folder = prepared if kind == "train" or "evaluate" in names else prepared / "original" / "images"
    ids: dict[str, Any] = {"spatial_size": 32, "size": "quick", "dataset_dir": str(folder)}
    workflow = _workflow(bundle, names, kind, **ids, **({"progress": False} if kind == "train" else {}))
    workflow.initialize()
    assert workflow.check_properties() == []


def test_definitions_that_repeat_agree(repository: Path) -> None:
    def content(bundle: str, name: str) -> ConfigParser:
        parser = ConfigParser()
        parser.read_config(repository / "bundles" / bundle / "configs" / f"{name}.json")
        return parser

    train, inference, segmentation = (
        content(NAME, "train"),
        content(NAME, "inference"),
        content("echo_segmentation", "train"),
    )
    for key in ("network_def", "spatial_size", "size", "device", "bundle_root"):
        assert train[key] == inference[key]
    shared = ("AreaResized", "ScaleIntensityRanged", "LoadImaged", "EnsureChannelFirstd")
    in_training = {t["_target_"].rsplit(".", 1)[-1]: t for t in train["loading_transforms"]}
    in_inference = {t["_target_"].rsplit(".", 1)[-1]: t for t in inference["preprocessing"]["transforms"]}
    assert all(in_training[name] == in_inference[name] for name in shared)
    assert train["normalization"] == in_inference["NormalizeIntensityd"]
    for key in ("train::intensity_transforms", "train::sampler", "lr_scheduler", "checkpointed", "train::inferer"):
        assert train[key] == segmentation[key]
    (affine,), (labeled,) = train["train::geometric_transforms"], segmentation["train::geometric_transforms"]
    assert affine == {**labeled, "keys": "image", "mode": "bilinear"}


def test_training_resumes_to_identical_weights(bundle: Path, prepared: Path, tmp_path: Path) -> None:
    whole = _train(bundle, prepared)
    other = tmp_path / "other"
    shutil.copytree(bundle, other, ignore=shutil.ignore_patterns("checkpoints", "model.pt", "eval"))
    with pytest.raises(KeyboardInterrupt):
        _train(other, prepared, die_at=3)
    assert not (other / "models" / "model.pt").exists()
    resumed = _train(other, prepared)
    assert whole.keys() == resumed.keys()
    assert all(torch.equal(whole[key], resumed[key]) for key in whole)
    history = json.loads((other / "eval" / "history.json").read_text())
    assert [record["epoch"] for record in history] == [1, 2]
    assert all(0 <= record["validation_accuracy"] <= 1 for record in history)


def test_inference_writes_a_table(bundle: Path, prepared: Path, tmp_path: Path) -> None:
    images = prepared / "original" / "images"
    ids = {"spatial_size": 32, "size": "quick", "dataset_dir": str(images), "output_dir": str(tmp_path / "out")}
    workflow = _workflow(bundle, ["inference"], "inference", **ids)
    workflow.initialize()
    workflow.run()
    with open(tmp_path / "out" / "predictions.csv", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["image"] for row in rows] == sorted(path.name for path in images.iterdir())
    for row in rows:
        probabilities = {name: float(row[name]) for name in ("2CH", "4CH")}
        assert sum(probabilities.values()) == pytest.approx(1, abs=1e-6)
        assert row["predicted"] == max(probabilities, key=probabilities.__getitem__)


@pytest.mark.timeout(600)
def test_two_processes_train_one_model(bundle: Path, prepared: Path) -> None:
    run_bundle_twice(bundle, ["train", "multi_gpu_train"], {**TINY, "dataset_dir": prepared, "progress": False})
    assert (bundle / "models" / "model.pt").is_file()
    assert len(json.loads((bundle / "eval" / "history.json").read_text())) == 2
