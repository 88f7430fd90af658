"""A whole bundle passes, and each kind of damage is found and named."""

from __future__ import annotations

import hashlib
import json
import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from monai_echosynth import cli
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.workflows.bundles import bundle_names, bundle_source
from monai_echosynth.workflows.check_list import format_checks
from monai_echosynth.workflows.checksums import CHECKSUMS
from monai_echosynth.workflows.verify import REQUIRED_METADATA, verify_bundle
from tests.helpers.tiny_generator import write_tiny_bundle
from tests.helpers.tiny_prepared import write_tiny_prepared

NETWORK = {"_target_": "torch.nn.Linear", "in_features": 3, "out_features": 2}
INFERENCE = {
    "bundle_root": ".",
    "device": "$torch.device('cpu')",
    "dataset_dir": "$@bundle_root + '/data'",
    "weights_path": "$@bundle_root + '/models/model.safetensors'",
    "dataset": [],
    "network_def": NETWORK,
    "inferer": {"_target_": "SimpleInferer"},
    "evaluator": {"_target_": "Identity"},
}


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A minimal bundle whose network is one linear layer."""
    root = tmp_path / "tiny"
    for folder in ("configs", "docs", "models"):
        (root / folder).mkdir(parents=True)
    metadata: dict[str, object] = dict.fromkeys(REQUIRED_METADATA, "x")
    metadata |= {"version": "0.1.0", "changelog": {"0.1.0": "first"}}
    (root / "configs/metadata.json").write_text(json.dumps(metadata))
    (root / "configs/inference.json").write_text(json.dumps(INFERENCE))
    for name in ("LICENSE", "configs/logging.conf", "docs/README.md"):
        (root / name).write_text("text")
    write_weights(root, torch.nn.Linear(3, 2))
    return root


def write_weights(root: Path, network: torch.nn.Module) -> None:
    path = root / "models/model.safetensors"
    save_file(dict(network.state_dict()), path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    (root / "models" / CHECKSUMS).write_text(f"{digest}  model.safetensors\n")


def failures(root: Path) -> dict[str, str]:
    return {check.name: check.detail for check in verify_bundle(root) if check.passed is False}


def test_whole_bundle_passes(bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    checks = verify_bundle(bundle)
    assert [check.name for check in checks if check.passed] == [
        *(
            "files",
            "metadata",
            "checksums",
            "weights model.safetensors",
            "network inference.json",
            "infer inference.json",
        )
    ], format_checks(checks)
    assert cli.main(["verify", "--bundle", str(bundle)]) == 0
    assert "8 parameters" in capsys.readouterr().out


def test_flipped_byte(bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = bundle / "models/model.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    assert "differs from its checksum" in failures(bundle)["checksums"]
    assert cli.main(["verify", "--bundle", str(bundle)]) == 1
    assert "FAILED" in capsys.readouterr().out


def test_weights_of_another_network(bundle: Path) -> None:
    write_weights(bundle, torch.nn.Linear(4, 2))
    assert set(failures(bundle)) == {"network inference.json"}


def test_weights_that_are_not_finite(bundle: Path) -> None:
    network = torch.nn.Linear(3, 2)
    torch.nn.init.constant_(network.bias, float("nan"))
    write_weights(bundle, network)
    assert "bias is not finite" in failures(bundle)["weights model.safetensors"]


def test_truncated_weights(bundle: Path) -> None:
    path = bundle / "models/model.safetensors"
    path.write_bytes(path.read_bytes()[:-4])
    assert "weights model.safetensors" in failures(bundle)


class Malice:
    """Unpickling this creates a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (self.path,))


def test_code_in_a_pickle_is_refused_and_not_run(bundle: Path, tmp_path: Path) -> None:
    (bundle / "models/model.pt").write_bytes(pickle.dumps({"weight": Malice(tmp_path / "owned")}))
    assert "weights model.pt" in failures(bundle)
    assert not (tmp_path / "owned").exists()


@pytest.mark.parametrize("key", ["schema", "changelog", "network_data_format"])
def test_missing_metadata(bundle: Path, key: str) -> None:
    path = bundle / "configs/metadata.json"
    metadata = json.loads(path.read_text())
    del metadata[key]
    path.write_text(json.dumps(metadata))
    assert key in failures(bundle)["metadata"]


def test_version_without_changelog_entry_and_missing_file(bundle: Path) -> None:
    path = bundle / "configs/metadata.json"
    path.write_text(path.read_text().replace('"version": "0.1.0"', '"version": "0.2.0"'))
    (bundle / "LICENSE").unlink()
    found = failures(bundle)
    assert "0.2.0" in found["metadata"] and "LICENSE" in found["files"]


def test_unlisted_weights(bundle: Path) -> None:
    (bundle / "models" / CHECKSUMS).unlink()
    assert CHECKSUMS in failures(bundle)["checksums"]


def test_missing_workflow_id(bundle: Path) -> None:
    content = {key: value for key, value in INFERENCE.items() if key != "inferer"}
    (bundle / "configs/inference.json").write_text(json.dumps(content))
    assert "inferer" in failures(bundle)["infer inference.json"]


def test_not_a_bundle(tmp_path: Path) -> None:
    with pytest.raises(EchoSynthError, match="must hold configs/"):
        verify_bundle(tmp_path)


def test_shipped_bundles_are_found(repository: Path) -> None:
    for name in bundle_names():
        assert bundle_source(name) == repository / "bundles" / name
    for name in ("nothing", "../bundles", ""):
        with pytest.raises(EchoSynthError, match="one of those shipped"):
            bundle_source(name)


def test_workflows_are_built_beside_what_a_training_left(tmp_path: Path) -> None:
    bundle = write_tiny_bundle(tmp_path / "bundle")
    (bundle / "eval").mkdir()
    (bundle / "eval" / "history.json").write_text("[]")
    before = sorted(path for path in bundle.rglob("*") if path.is_file())
    checks = verify_bundle(bundle, data=write_tiny_prepared(tmp_path / "data"))
    assert next(check for check in checks if check.name == "infer inference.json").passed
    assert sorted(path for path in bundle.rglob("*") if path.is_file()) == before
