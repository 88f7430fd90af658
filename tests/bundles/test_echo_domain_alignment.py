"""The alignment bundle by the zoo's rules."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from monai.bundle import ConfigWorkflow, verify_metadata

from monai_echosynth.workflows.align import align, train_aligner
from tests.helpers.tiny_aligner import TINY_ALIGNER, TinyDomains, write_tiny_domains
from tests.helpers.two_processes import run_bundle_twice
from tests.helpers.zoo_bundle import check_zoo_files

pytestmark = [
    pytest.mark.filterwarnings("ignore:No hash value provided"),
    pytest.mark.filterwarnings("ignore:Converting a tensor with requires_grad=True"),
]


@pytest.fixture(scope="module")
def configs(repository: Path) -> Path:
    return repository / "bundles" / "echo_domain_alignment" / "configs"


@pytest.fixture(scope="module")
def domains(tmp_path_factory: pytest.TempPathFactory) -> TinyDomains:
    return write_tiny_domains(tmp_path_factory.mktemp("domains"))


@pytest.fixture(scope="module")
def bundle(domains: TinyDomains, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("trained") / "aligner"
    train_aligner(domains.real, domains.synthetic, domains.segmenter, out, TINY_ALIGNER, progress=False)
    return out


def _read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def _folders(domains: TinyDomains) -> dict[str, str]:
    return {
        "dataset_dir": str(domains.real),
        "synthetic_dir": str(domains.synthetic),
        "segmenter_dir": str(domains.segmenter),
    }


def test_files_of_the_zoo_are_there(configs: Path) -> None:
    check_zoo_files(configs, "train.json", "multi_gpu_train.json", "multi_gpu_inference.json")


def test_metadata_fits_the_schema(configs: Path, schema: Path) -> None:
    verify_metadata(meta_file=str(configs / "metadata.json"), filepath=str(schema))


def test_definitions_that_repeat_agree(configs: Path) -> None:
    training, inference = (_read(configs / f"{name}.json") for name in ("train", "inference"))
    differing = {key for key in training.keys() & inference.keys() if training[key] != inference[key]}
    assert differing == {"imports", "table", "network", "initialize", "run", "finalize"}


@pytest.mark.parametrize("name", ["train", "inference"])
def test_properties_are_complete_and_the_config_runs(
    bundle: Path, domains: TinyDomains, tmp_path: Path, name: str
) -> None:
    ids: dict[str, Any] = {"output_dir": str(tmp_path / "out"), "progress": False}
    ids |= _folders(domains) if name == "train" else {"dataset_dir": str(domains.synthetic)}
    path = str(bundle / "configs" / f"{name}.json")
    workflow = ConfigWorkflow(path, logging_file=False, workflow_type=name, bundle_root=str(bundle), **ids)
    workflow.initialize()
    assert workflow.check_properties() == []
    workflow.run()
    workflow.finalize()
    if name == "inference":
        assert len(_read(tmp_path / "out" / "manifest.json")["images"]) == 5
    else:
        events = list((tmp_path / "out").glob("events.out.tfevents.*"))
        assert events and sum(path.stat().st_size for path in events) > 10_000, "mosaics and attention maps"


@pytest.mark.timeout(600)
def test_two_processes_train_one_aligner(bundle: Path, domains: TinyDomains, tmp_path: Path) -> None:
    ids = {**_folders(domains), "output_dir": tmp_path / "out", "ckpt_dir": tmp_path / "ckpt", "progress": False}
    ids |= {"weights_path": tmp_path / "aligner.safetensors", "bank_path": tmp_path / "bank.safetensors"}
    run_bundle_twice(bundle, ["train", "multi_gpu_train"], ids)
    assert (tmp_path / "aligner.safetensors").is_file() and (tmp_path / "bank.safetensors").is_file()
    assert len(json.loads((tmp_path / "out" / "history.json").read_text())) == 2


@pytest.mark.timeout(600)
def test_two_processes_align_one_set(bundle: Path, domains: TinyDomains, tmp_path: Path) -> None:
    align(bundle, domains.synthetic, tmp_path / "one", progress=False)
    ids = {"dataset_dir": domains.synthetic, "output_dir": tmp_path / "two", "progress": False}
    run_bundle_twice(bundle, ["inference", "multi_gpu_inference"], ids)
    one, two = (_read(tmp_path / name / "manifest.json")["images"] for name in ("one", "two"))
    assert [record["image_sha256"] for record in one] == [record["image_sha256"] for record in two]
