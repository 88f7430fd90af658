"""The adaptation bundle by the zoo's rules, and as the base's bundle where the two say the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from monai.bundle import ConfigWorkflow, verify_metadata
from safetensors.torch import load_file

from monai_echosynth.workflows.adapt import adapt
from monai_echosynth.workflows.adaptation_settings import AdaptationSettings
from tests.helpers.tiny_chambers import write_tiny_chambers
from tests.helpers.tiny_generator import write_tiny_bundle
from tests.helpers.two_processes import run_bundle_twice
from tests.helpers.zoo_bundle import check_network, check_zoo_files

TINY: dict[str, Any] = {"epochs": 1, "samples_per_epoch": 4, "batch_size": 2, "variants": 2}
DIFFERENT = {
    "train": {
        "imports",
        "ckpt_dir",
        "base_path",
        "adapter_path",
        "rules_path",
        "groups",
        "lora_rank",
        "alpha",
        "dropout",
    }
    | {
        "epochs",
        "samples_per_epoch",
        "batch_size",
        "learning_rate",
        "remapping",
        "lora",
        "base",
        "network",
        "optimizer",
    }
    | {"lr_scheduler", "preprocessing_transforms", "train", "variants", "weights_path"}
    | {"conditions", "network_def", "validate", "mosaic", "family", "solver"},
    "train_decoder": {
        "imports",
        "base_path",
        "weights_path",
        "ckpt_dir",
        "output_dir",
        "statistics_loader",
        "train",
        "initialize",
    }
    | {"size", "autoencoder_size", "autoencoder_def", "network", "trained", "optimizer", "lr_scheduler"}
    | {"batch_size", "epochs", "decoder_epochs", "learning_rate", "decoder_learning_rate"},
    "inference": {"imports", "base_path", "adapter_path", "weights_path", "remapping", "network", "synthetic_set"}
    | {"preprocessing", "autoencoder_path"}
    | {"conditions", "network_def", "family"}
    | {"network_sha256", "grids", "grids_path", "inferer"}
    | {"companion", "companion_def", "companion_path", "companion_size", "guidance"},
}

pytestmark = [pytest.mark.filterwarnings("ignore:No hash value provided")]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_chambers(tmp_path_factory.mktemp("chambers"))


@pytest.fixture
def bundle(prepared: Path, tmp_path: Path) -> Path:
    pytest.importorskip("peft", reason="adapters: install the extra lora")
    base = write_tiny_bundle(tmp_path / "base")
    adapt(base, prepared, tmp_path / "bundle", settings=AdaptationSettings(rank=2, **TINY), progress=False)
    return tmp_path / "bundle"


@pytest.fixture(scope="module")
def configs(repository: Path) -> Path:
    return repository / "bundles" / "echo_tee_adaptation" / "configs"


def _read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def test_files_of_the_zoo_are_there(configs: Path) -> None:
    check_zoo_files(configs, "train_decoder.json", "train.json", "multi_gpu_train.json")


def test_metadata_fits_the_schema(configs: Path, schema: Path) -> None:
    verify_metadata(meta_file=str(configs / "metadata.json"), filepath=str(schema))


def test_network_fits_the_metadata(configs: Path) -> None:
    check_network(configs)


@pytest.mark.parametrize(
    ("own", "base"),
    [("train", "train_diffusion"), ("inference", "inference"), ("train_decoder", "train_autoencoder")],
)
def test_what_is_not_about_adapters_is_as_in_the_base(configs: Path, repository: Path, own: str, base: str) -> None:
    ours = _read(configs / f"{own}.json")
    theirs = _read(repository / "bundles" / "echo_generative_diffusion" / "configs" / f"{base}.json")
    differing = {key for key in ours.keys() | theirs.keys() if ours.get(key, ...) != theirs.get(key, ...)}
    assert differing == DIFFERENT[own]


@pytest.mark.parametrize("name", ["train_decoder", "train", "inference"])
def test_properties_are_complete_and_the_config_runs(bundle: Path, prepared: Path, tmp_path: Path, name: str) -> None:
    decoder = {**TINY, "decoder_epochs": 1}
    generation = {"count": 2, "nfe": 2, "output_dir": str(tmp_path / "set")}
    settings = {"train": TINY, "train_decoder": decoder, "inference": generation}[name]
    workflow = ConfigWorkflow(
        str(bundle / "configs" / f"{name}.json"),
        logging_file=False,
        workflow_type=name.removesuffix("_decoder"),
        bundle_root=str(bundle),
        dataset_dir=str(prepared),
        progress=False,
        **settings,
    )
    workflow.initialize()
    assert workflow.check_properties() == []
    workflow.run()
    workflow.finalize()
    if name == "inference":
        assert len(_read(tmp_path / "set" / "manifest.json")["images"]) == 2


@pytest.mark.timeout(600)
def test_two_processes_train_one_adapter(bundle: Path, prepared: Path) -> None:
    path = bundle / "models" / "adapter.safetensors"
    before = load_file(path)
    path.unlink()
    run_bundle_twice(bundle, ["train", "multi_gpu_train"], {**TINY, "lora_rank": 2, "dataset_dir": prepared})
    after = load_file(path)
    assert before.keys() == after.keys()
    assert all(value.isfinite().all() for value in after.values())
