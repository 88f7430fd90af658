"""The bundle by the zoo's rules: metadata, properties, network in and out, each config once, resume, two processes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
import torch
from monai.bundle import ConfigParser, ConfigWorkflow, run, verify_metadata, verify_net_in_out

from monai_echosynth.networks.nets.segmenter import segmenter
from monai_echosynth.networks.weights import save_weights
from tests.helpers.tiny_prepared import write_tiny_prepared
from tests.helpers.two_processes import run_bundle_twice

TINY = {
    "spatial_size": 32,
    "base_features": 4,
    "iterations": 4,
    "epoch_iterations": 2,
    "batch_size": 2,
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
    return write_tiny_prepared(tmp_path_factory.mktemp("prepared"))


@pytest.fixture
def bundle(repository: Path, tmp_path: Path) -> Path:
    """A copy of the bundle with weights of a tiny network."""
    target = tmp_path / "echo_segmentation"
    shutil.copytree(repository / "bundles" / "echo_segmentation", target)
    torch.manual_seed(0)
    save_weights(segmenter(32, base_features=4), target / "models" / "model.safetensors")
    return target


def _workflow(bundle: Path, names: list[str], kind: str, **ids: Any) -> ConfigWorkflow:
    files = [str(bundle / "configs" / f"{name}.json") for name in names]
    return ConfigWorkflow(files, logging_file=False, workflow_type=kind, bundle_root=str(bundle), **ids)


def _train(bundle: Path, prepared: Path, **ids: Any) -> dict[str, torch.Tensor]:
    workflow = _workflow(bundle, ["train"], "train", dataset_dir=str(prepared), progress=False, **{**TINY, **ids})
    workflow.initialize()
    workflow.run()
    workflow.finalize()
    return torch.load(bundle / "models" / "model.pt", weights_only=True)


def test_files_of_the_zoo_are_there(repository: Path) -> None:
    root = repository / "bundles" / "echo_segmentation"
    names = ("metadata.json", "logging.conf", "train.json", "evaluate.json", "inference.json", "multi_gpu_train.json")
    assert all((root / "configs" / name).is_file() for name in names)
    assert "Apache License" in (root / "LICENSE").read_text()
    metadata = json.loads((root / "configs" / "metadata.json").read_text())
    assert metadata["version"] in metadata["changelog"]
    readme = (root / "docs" / "README.md").read_text()
    sections = (
        "# Model Overview",
        "## Data",
        "## Training configuration",
        "## Performance",
        "## MONAI Bundle Commands",
    )
    assert all(section in readme for section in (*sections, "# References", "# License"))


def test_metadata_fits_the_schema(repository: Path, schema: Path) -> None:
    meta = repository / "bundles" / "echo_segmentation" / "configs" / "metadata.json"
    verify_metadata(meta_file=str(meta), filepath=str(schema))


def test_network_fits_the_metadata(repository: Path) -> None:
    configs = repository / "bundles" / "echo_segmentation" / "configs"
    verify_net_in_out(
        "network_def",
        meta_file=str(configs / "metadata.json"),
        config_file=str(configs / "inference.json"),
        device="cpu",
    )


@pytest.mark.parametrize(("names", "kind"), [(["train"], "train"), *((v, "inference") for v in OVERLAYS.values())])
def test_properties_are_complete(bundle: Path, prepared: Path, names: list[str], kind: str) -> None:
    folder = prepared if kind == "train" or "evaluate" in names else prepared / "original" / "images"
    ids: dict[str, Any] = {"spatial_size": 32, "base_features": 4, "dataset_dir": str(folder)}
    workflow = _workflow(bundle, names, kind, **ids, **({"progress": False} if kind == "train" else {}))
    workflow.initialize()
    assert workflow.check_properties() == []


def test_definitions_that_repeat_agree(repository: Path) -> None:
    parsers = {}
    for name in ("train", "inference"):
        parsers[name] = ConfigParser()
        parsers[name].read_config(repository / "bundles" / "echo_segmentation" / "configs" / f"{name}.json")
    assert parsers["inference"]["network_def"] == {**parsers["train"]["network_def"], "inference": True}
    for key in ("spatial_size", "base_features", "device", "bundle_root"):
        assert parsers["train"][key] == parsers["inference"][key]
    shared = ("AreaResized", "ScaleIntensityRanged")
    in_training = {t["_target_"].rsplit(".", 1)[-1]: t for t in parsers["train"]["loading_transforms"]}
    in_inference = {t["_target_"].rsplit(".", 1)[-1]: t for t in parsers["inference"]["preprocessing"]["transforms"]}
    assert all(in_training[name] == in_inference[name] for name in shared)
    assert parsers["train"]["normalization"] == in_inference["NormalizeIntensityd"]


def test_training_resumes_to_identical_weights(bundle: Path, prepared: Path, tmp_path: Path) -> None:
    whole = _train(bundle, prepared)
    other = tmp_path / "other"
    shutil.copytree(bundle, other, ignore=shutil.ignore_patterns("checkpoints", "model.pt", "eval"))
    with pytest.raises(KeyboardInterrupt):
        _interrupted(other, prepared)
    assert not (other / "models" / "model.pt").exists()
    resumed = _train(other, prepared)
    assert whole.keys() == resumed.keys()
    assert all(torch.equal(whole[key], resumed[key]) for key in whole)
    history = json.loads((other / "eval" / "history.json").read_text())
    assert [record["epoch"] for record in history] == [1, 2]
    assert all("validation_mean_dice" in record for record in history)
    assert any(
        not torch.equal(whole[key], value) for key, value in _train(bundle, prepared, seed=1, iterations=8).items()
    )


def _interrupted(bundle: Path, prepared: Path) -> None:
    """Training that dies in the first step of its second epoch."""
    from ignite.engine import Events

    workflow = _workflow(bundle, ["train"], "train", dataset_dir=str(prepared), progress=False, **TINY)
    workflow.initialize()

    def die(_: Any) -> None:
        raise KeyboardInterrupt

    workflow.trainer.add_event_handler(Events.ITERATION_COMPLETED(once=3), die)
    workflow.run()


def test_inference_writes_masks_on_the_native_grid(bundle: Path, prepared: Path, tmp_path: Path) -> None:
    images = prepared / "original" / "images"
    ids = {"spatial_size": 32, "base_features": 4, "dataset_dir": str(images), "output_dir": str(tmp_path / "out")}
    workflow = _workflow(bundle, ["inference"], "inference", **ids)
    workflow.initialize()
    workflow.run()
    written = sorted((tmp_path / "out").glob("*_seg.nii.gz"))
    assert len(written) == len(list(images.iterdir()))
    for path in written:
        mask, source = nib.load(path), nib.load(images / path.name.replace("_seg", ""))
        assert mask.shape == source.shape
        assert np.allclose(mask.affine, source.affine)
        assert mask.get_data_dtype() == np.uint8
        assert np.asanyarray(mask.dataobj).max() <= 3


@pytest.mark.filterwarnings("ignore:parsing config_file")
def test_label_trains_it_with_overrides_of_its_own(bundle: Path, prepared: Path) -> None:
    """What MONAI Label's bundle task sends: items, handlers with a loader first, ``#`` ids, no data folder; twice."""
    content = json.loads((prepared / "dataset.json").read_text())
    items = [{key: str(prepared / item[key]) for key in ("image", "label")} for item in content["training"]]
    volume = nib.load(items[0]["label"])
    items[0]["label"] = str(prepared / "labels" / "as_volume.nii.gz")  # as viewers of volumes save it
    nib.save(nib.Nifti1Image(np.asanyarray(volume.dataobj)[..., None], volume.affine), items[0]["label"])
    weights = bundle / "models" / "model.pt"
    torch.manual_seed(3)
    save_weights(segmenter(32, base_features=4), weights)
    loader = {
        "_target_": "CheckpointLoader",
        "load_path": str(weights),
        "load_dict": {"model": "$@network"},
        "strict": False,
    }
    config = bundle / "configs" / "train.json"
    handlers = [loader, *json.loads(config.read_text())["train"]["handlers"]]
    seen = [weights.read_bytes()]
    for validation in (items[:1], []):
        run(
            run_id="run",
            logging_file=False,
            meta_file=str(bundle / "configs" / "metadata.json"),
            config_file=str(config),
            **{
                "bundle_root": str(bundle),
                "device": "cpu",
                "train#trainer#max_epochs": 2,
                "train#dataset#data": items,
                "train#handlers": handlers,
                "validate#dataset#data": validation,
                "progress": False,
                **TINY,
            },
        )
        seen.append(weights.read_bytes())
    assert len(set(seen)) == 3
    assert json.loads((bundle / "eval" / "history.json").read_text())[-1]["epoch"] == 2


@pytest.mark.timeout(600)
def test_two_processes_train_one_model(bundle: Path, prepared: Path) -> None:
    ids = {**TINY, "dataset_dir": prepared, "progress": False}
    run_bundle_twice(bundle, ["train", "multi_gpu_train"], ids)
    assert (bundle / "models" / "model.pt").is_file()
    assert len(json.loads((bundle / "eval" / "history.json").read_text())) == 2
