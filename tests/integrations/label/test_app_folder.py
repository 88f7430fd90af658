"""The folder for the server: what Label's loader asks for, apps that are there already, and folders that are refused."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from monai.bundle import ConfigParser

from monai_echosynth import cli
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.integrations.app_source import app_source
from monai_echosynth.integrations.label.app_folder import write_label_app
from monai_echosynth.integrations.label.frame_segmenter import FrameSegmenter
from tests.helpers.label_studies import tiny_cine, write_tiny_segmenter
from tests.helpers.tiny_generator import write_tiny_bundle

pytestmark = pytest.mark.filterwarnings("ignore:.*always_return_as_numpy.*:FutureWarning")


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = write_tiny_segmenter(tmp_path_factory.mktemp("bundle") / "my_segmenter")
    (root / "models" / "model.pt").unlink()
    return root


def test_command_writes_app_and_bundles(bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    generator = write_tiny_bundle(tmp_path / "g")
    app = tmp_path / "app"
    assert cli.main(["label-app", str(app), "--bundle", str(bundle), "--generator", str(generator)]) == 0
    assert f"--app {app}" in capsys.readouterr().out
    assert (app / "main.py").read_bytes() == (app_source("echo_label") / "main.py").read_bytes()
    assert sorted(path.name for path in (app / "model").iterdir()) == ["echo_generative_diffusion", "echo_segmentation"]
    frames, _ = tiny_cine(1)
    copied = FrameSegmenter(app / "model" / "echo_segmentation", "cpu")
    assert np.array_equal(copied.labels(frames), FrameSegmenter(bundle, "cpu").labels(frames))
    assert cli.main(["verify", "--bundle", str(app / "model" / "echo_segmentation")]) == 0


def test_copy_is_what_the_loader_of_label_takes(bundle: Path, tmp_path: Path) -> None:
    """A plain state dict for ``network_def``, the first output's classes, and postprocessing that ends with a slice axis."""
    root = write_label_app(tmp_path / "app", bundle) / "model" / "echo_segmentation"
    state = torch.load(root / "models" / "model.pt", weights_only=True)
    assert all(isinstance(value, torch.Tensor) for value in state.values())
    parser = ConfigParser()
    parser.read_config(root / "configs" / "inference.json")
    network = parser.get_parsed_content("network_def")
    assert set(network.state_dict()) == set(state)
    network.load_state_dict(state)
    names = [entry["_target_"].rsplit(".", 1)[-1] for entry in parser["postprocessing"]["transforms"]]
    assert names[-1] == "AddSliceAxisd" and "SqueezeDimd" not in names and names.count("SaveImaged") == 1
    assert all(key in parser for key in ("device", "bundle_root", "preprocessing", "inferer"))
    train = json.loads((root / "configs" / "train.json").read_text())
    assert all(isinstance(handler, dict) for handler in train["train"]["handlers"])


def test_an_app_that_is_there_gets_the_bundle_alone(bundle: Path, tmp_path: Path) -> None:
    app = tmp_path / "monaibundle"
    app.mkdir()
    (app / "main.py").write_text("class MyApp: ...")
    write_label_app(app, bundle)
    assert (app / "main.py").read_text() == "class MyApp: ..."
    assert (app / "model" / "echo_segmentation" / "models" / "model.pt").is_file()
    with pytest.raises(EchoSynthError, match="may have learned"):
        write_label_app(app, bundle)


def test_folders_and_bundles_that_are_refused(bundle: Path, tmp_path: Path) -> None:
    full = tmp_path / "full"
    full.mkdir()
    (full / "notes.txt").write_text("mine")
    broken = write_tiny_segmenter(tmp_path / "broken")
    config = json.loads((broken / "configs" / "inference.json").read_text())
    del config["network_def"]
    (broken / "configs" / "inference.json").write_text(json.dumps(config))
    bare = write_tiny_segmenter(tmp_path / "bare")
    (bare / "models" / "model.safetensors").unlink()
    for folder, segmenter, generator, words in (
        (full, bundle, None, "new or empty folder"),
        (full / "notes.txt", bundle, None, "got the file"),
        (tmp_path / "a", tmp_path / "nowhere", None, r"configs/inference\.json is needed, got .*nowhere"),
        (tmp_path / "a", broken, None, r"the key network_def, got none in .*inference\.json"),
        (tmp_path / "a", bare, None, r"weights needed at .*model\.safetensors"),
        (tmp_path / "a", bundle, full, "a trained echo_generative_diffusion bundle was expected"),
    ):
        with pytest.raises(EchoSynthError, match=words):
            write_label_app(folder, segmenter, generator)
    assert not (tmp_path / "a").exists()
    with pytest.raises(EchoSynthError, match="'nothing'"):
        app_source("nothing")


def test_the_app_imports_what_the_package_has() -> None:
    """Names that the app takes from this package exist; MONAI Label's own are met by the demonstration."""
    from importlib import import_module

    tree = ast.parse((app_source("echo_label") / "main.py").read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("monai_echosynth"):
            module = import_module(str(node.module))
            assert all(hasattr(module, alias.name) for alias in node.names), node.module
