"""Every shipped bundle passes the gates of the model zoo, and each gate fails where it should."""

from __future__ import annotations

import json
import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from monai_echosynth.data.atomic import write_json
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.workflows.bundles import bundle_names, bundle_source
from monai_echosynth.workflows.check_list import Check, format_checks
from monai_echosynth.workflows.zoo import gates
from monai_echosynth.workflows.zoo.exemptions import EXEMPTIONS, Gate
from monai_echosynth.workflows.zoo.gates import zoo_gates

pytestmark = [
    pytest.mark.filterwarnings("ignore:No hash value provided"),
    pytest.mark.filterwarnings("ignore:.*always_return_as_numpy.*:FutureWarning"),
    pytest.mark.filterwarnings("ignore:Converting a tensor with requires_grad=True"),
]


def _by_name(checks: list[Check]) -> dict[str, Check]:
    return {check.name: check for check in checks}


def _schema(request: pytest.FixtureRequest) -> Path | None:
    """The metadata schema, where there is a copy of it."""
    try:
        path: Path = request.getfixturevalue("schema")
    except pytest.skip.Exception:
        return None
    return path


def _configs_run(checks: list[Check]) -> set[str]:
    return {name for check in checks if check.name.startswith("run ") for name in check.name[4:].split(" + ")}


def _configs(bundle: Path) -> set[str]:
    """Those that one process can run."""
    names = {path.name for path in (bundle / "configs").glob("*.json")} - {"metadata.json"}
    return {name for name in names if not name.startswith("multi_gpu")}


def test_every_shipped_bundle_is_known() -> None:
    assert sorted(EXEMPTIONS) == bundle_names()


@pytest.mark.timeout(600)
def test_every_shipped_bundle_passes(request: pytest.FixtureRequest) -> None:
    schema = _schema(request)
    found = zoo_gates(schema=schema)
    assert {Path(folder).name for folder in found} == set(bundle_names())
    for folder, checks in found.items():
        assert all(check.passed is not False for check in checks), f"{folder}\n{format_checks(checks)}"
        exempt = {check.name for check in checks if check.detail.startswith("exempt: ")}
        assert exempt == {str(gate) for gate in EXEMPTIONS[Path(folder).name]}
        assert schema is None or _by_name(checks)[str(Gate.SCHEMA)].passed
        assert _configs_run(checks) == _configs(Path(folder)) or find_spec("peft") is None
    segmentation = _by_name(found[str(bundle_source("echo_segmentation"))])
    for name in (*(Gate.FILES, Gate.VERSION, Gate.KEYS, Gate.PACKAGES, Gate.SHAPE, Gate.TORCHSCRIPT), "run train.json"):
        assert segmentation[str(name)].passed, segmentation[str(name)]


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return Path(shutil.copytree(bundle_source("echo_segmentation"), tmp_path / "echo_segmentation"))


def _edit(bundle: Path, file: str, **values: Any) -> None:
    path = bundle / "configs" / file
    content = {**json.loads(path.read_text()), **values}
    write_json(path, {key: value for key, value in content.items() if value is not None})


def _failures(bundle: Path, **options: Any) -> dict[str, str]:
    checks = zoo_gates([bundle], **options)[str(bundle)]
    return {check.name: check.detail for check in checks if check.passed is False}


def test_damage_is_found_and_named(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (bundle / "LICENSE").unlink()
    _edit(bundle, "metadata.json", version="9.9.9", required_packages_version={"no-such-package": "1.0"})
    _edit(bundle, "inference.json", inferer=None)
    monkeypatch.setattr(gates, "MAX_BYTES", 100_000)
    found = _failures(bundle, runs=False)
    assert "LICENSE" in found.pop("files")
    assert "9.9.9" in found.pop("version and changelog")
    assert "inference.json lacks inferer" in found.pop("names of config keys")
    assert "no-such-package not installed" in found.pop("required packages")
    assert "models/model.pt above 25 MB" in found.pop("file sizes")  # the random weights, beside the lowered limit
    assert found == {}


def test_network_that_does_not_fit_the_metadata(bundle: Path) -> None:
    _edit(bundle, "inference.json", out_channels=6)
    assert set(_failures(bundle, runs=False)) == {"network in and out"}


def test_training_keys(bundle: Path) -> None:
    path = bundle / "configs" / "train.json"
    content = json.loads(path.read_text())
    del content["validate"]["dataset"]["data"]
    write_json(path, content)
    assert "validate::dataset::data" in _failures(bundle, runs=False)["names of config keys"]
    content["validate"]["dataset"]["data"] = []
    content["val_interval"] = None
    write_json(path, {key: value for key, value in content.items() if value is not None})
    assert "val_interval" in _failures(bundle, runs=False)["names of config keys"]


def test_other_bundles_and_schemas(tmp_path: Path, bundle: Path) -> None:
    with pytest.raises(EchoSynthError, match=r"a bundle with configs/metadata\.json"):
        zoo_gates([tmp_path])
    _edit(bundle, "metadata.json", name="Another one")
    with pytest.raises(EchoSynthError, match="the gates know the bundles"):
        zoo_gates([bundle])
    with pytest.raises(EchoSynthError, match="a schema file was expected"):
        zoo_gates(schema=tmp_path / "none.json")
