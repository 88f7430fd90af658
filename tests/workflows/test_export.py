"""Exports compute what PyTorch computes, in a process without this package where the format promises that."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from monai.data import load_net_with_metadata
from safetensors import safe_open
from torch import Tensor

from monai_echosynth import cli
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.inferers.label_generator import LabelGenerator
from monai_echosynth.networks.nets.segmenter import segmenter
from monai_echosynth.networks.weights import save_weights
from monai_echosynth.workflows.export import TOLERANCE, export_bundle
from monai_echosynth.workflows.export_model import export_model
from monai_echosynth.workflows.segmentation import write_bundle
from tests.helpers.fresh_process import run_without
from tests.helpers.tiny_generator import write_tiny_bundle
from tests.helpers.tiny_segmenter import TINY_SEGMENTER

OURS = ("monai_echosynth", "monai", "ignite", "nibabel")
GENERATION: dict[str, Any] = {"nfe": 2, "seed": 4}


@pytest.fixture(scope="module")
def segmentation(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("segmenter")
    write_bundle(root, TINY_SEGMENTER)
    torch.manual_seed(0)
    size = {"spatial_size": TINY_SEGMENTER.spatial_size, "base_features": TINY_SEGMENTER.base_features}
    save_weights(segmenter(**size), root / "models" / "model.safetensors")
    return root


@pytest.fixture(scope="module")
def generation(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_bundle(tmp_path_factory.mktemp("generator"))


@pytest.fixture(scope="module")
def traced(segmentation: Path, generation: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Both as TorchScript."""
    folder = tmp_path_factory.mktemp("traced")
    for kind, bundle, ids in (("segmentation", segmentation, {}), ("generation", generation, GENERATION)):
        assert export_bundle(bundle, "torchscript", folder / f"{kind}.ts", **ids)["difference"] <= TOLERANCE
    return {kind: folder / f"{kind}.ts" for kind in ("segmentation", "generation")}


def _example(bundle: Path, folder: Path, **ids: Any) -> tuple[dict[str, Tensor], Tensor, Tensor]:
    """Inputs, the expected output, and that of other noise; both stored as ``expected.pt``."""
    model = export_model(bundle, **ids)
    first, *others = model.inputs.values()
    expected = model.module(first)
    other = model.module.sample(first, -others[0]) if others else expected
    torch.save(
        {"first": first, "noise": others[0] if others else None, "expected": expected, "other": other},
        folder / "expected.pt",
    )
    return dict(model.inputs), expected, other


RUN_TORCHSCRIPT = """
import torch
saved = torch.load("expected.pt", weights_only=True)
extra = {"metadata.json": "", "inference.json": ""}
net = torch.jit.load("model.ts", _extra_files=extra)
worst = float((net(saved["first"]) - saved["expected"]).abs().max())
if saved["noise"] is not None:
    worst = max(worst, float((net.sample(saved["first"], -saved["noise"]) - saved["other"]).abs().max()))
import json
print(worst, json.loads(extra["metadata.json"])["name"], "network_def" in json.loads(extra["inference.json"]))
"""


@pytest.mark.parametrize("kind", ["segmentation", "generation"])
def test_torchscript_runs_with_torch_alone(
    kind: str, traced: dict[str, Path], request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    bundle: Path = request.getfixturevalue(kind)
    ids = GENERATION if kind == "generation" else {}
    shutil.copyfile(traced[kind], tmp_path / "model.ts")
    _, expected, other = _example(bundle, tmp_path, **ids)
    assert expected.std() > 0.01 and (kind == "segmentation" or not torch.equal(other, expected))
    worst, *name, configured = run_without(OURS, RUN_TORCHSCRIPT, tmp_path).split()
    assert float(worst) <= TOLERANCE and configured == "True"
    assert " ".join(name) == json.loads((bundle / "configs" / "metadata.json").read_text())["name"]


def test_torchscript_is_read_by_monai(generation: Path, traced: dict[str, Path]) -> None:
    _, metadata, extra = load_net_with_metadata(str(traced["generation"]), more_extra_files=("inference.json",))
    image = metadata["network_data_format"]["inputs"]["image"]
    assert image["num_channels"] == 1 and image["spatial_shape"] == [32, 32]
    config = json.loads(extra["inference.json"])
    assert {key: config[key] for key in GENERATION} == GENERATION
    assert config["bundle_root"] == "." and str(generation) not in json.dumps([metadata, config])


def test_a_segmenter_takes_batches(segmentation: Path, traced: dict[str, Path]) -> None:
    images = torch.randn(3, 1, 32, 32, generator=torch.Generator().manual_seed(2))
    expected = export_model(segmentation).module(images)
    torch.testing.assert_close(torch.jit.load(traced["segmentation"])(images), expected, rtol=0, atol=TOLERANCE)


RUN_SAFETENSORS = """
from safetensors import safe_open
with safe_open("model.safetensors", framework="np") as file:
    print(len(file.keys()), sorted(file.metadata()))
"""


@pytest.mark.parametrize("kind", ["segmentation", "generation"])
def test_safetensors_hold_the_weights_and_the_config(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    bundle: Path = request.getfixturevalue(kind)
    ids = GENERATION if kind == "generation" else {}
    assert export_bundle(bundle, "safetensors", tmp_path / "model.safetensors", **ids)["difference"] == 0
    module = export_model(bundle, **ids).module
    with safe_open(tmp_path / "model.safetensors", framework="pt") as file:
        assert set(file.keys()) == set(module.state_dict())
        state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.zero_()
    module.load_state_dict(state)
    first = next(iter(export_model(bundle, **ids).inputs.values()))
    assert torch.equal(module(first), export_model(bundle, **ids).module(first))
    printed = run_without([*OURS, "torch"], RUN_SAFETENSORS, tmp_path)
    assert printed.split()[0] == str(len(state)) and "inference.json" in printed


RUN_ONNX = """
import numpy as np, onnxruntime
saved = np.load("expected.npz")
session = onnxruntime.InferenceSession("model.onnx", providers=["CPUExecutionProvider"])
name = session.get_inputs()[0].name
worst = np.abs(session.run(None, {name: saved["first"]})[0] - saved["expected"]).max()
if "noise" in saved:
    fed = {name: saved["first"], "noise": -saved["noise"]}
    worst = max(worst, np.abs(session.run(None, fed)[0] - saved["other"]).max())
print(float(worst), "inference.json" in session.get_modelmeta().custom_metadata_map)
"""


@pytest.mark.timeout(300)
@pytest.mark.parametrize("kind", ["segmentation", "generation"])
def test_onnx_runs_with_its_runtime_alone(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    for package in ("onnx", "onnxscript", "onnxruntime"):
        pytest.importorskip(package, reason="ONNX: install the extra onnx")
    import numpy as np

    bundle: Path = request.getfixturevalue(kind)
    ids = GENERATION if kind == "generation" else {}
    assert export_bundle(bundle, "onnx", tmp_path / "model.onnx", **ids)["difference"] <= TOLERANCE
    inputs, expected, other = _example(bundle, tmp_path, **ids)
    arrays = {"first": next(iter(inputs.values())), "expected": expected, "other": other}
    arrays |= {"noise": inputs["noise"]} if "noise" in inputs else {}
    np.savez(tmp_path / "expected.npz", **{name: value.numpy() for name, value in arrays.items()})
    worst, described = run_without([*OURS, "torch"], RUN_ONNX, tmp_path).split()
    assert float(worst) <= TOLERANCE and described == "True"


def test_another_seed_is_another_image(generation: Path) -> None:
    label = next(iter(export_model(generation, **GENERATION).inputs.values()))
    one, two = (export_model(generation, nfe=1, seed=seed).module for seed in (0, 1))
    assert isinstance(one, LabelGenerator)
    assert not torch.equal(one(label), two(label))


def test_command(segmentation: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "new" / "model.ts"
    assert cli.main(["export", "--bundle", str(segmentation), "--format", "torchscript", "--out", str(out)]) == 0
    assert "image 1 x 1 x 32 x 32" in capsys.readouterr().out and out.is_file()


@pytest.mark.parametrize(
    ("format", "name", "ids", "message"),
    [
        ("tensorrt", "model.plan", {}, "one of torchscript, onnx, safetensors, got 'tensorrt'"),
        ("onnx", "model.ts", {}, "ends with .onnx"),
        ("torchscript", "model.ts", {"nfee": 5}, "config ids must be in .*got nfee: choose among .*spatial_size"),
    ],
)
def test_wrong_requests(
    segmentation: Path, tmp_path: Path, format: str, name: str, ids: dict[str, Any], message: str
) -> None:
    with pytest.raises(EchoSynthError, match=message):
        export_bundle(segmentation, format, tmp_path / name, **ids)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["segmentation", "generation"])
def test_bundle_without_weights(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    shutil.copytree(request.getfixturevalue(kind), bare, ignore=shutil.ignore_patterns("*.safetensors"))
    with pytest.raises(EchoSynthError, match="weights needed at"):
        export_bundle(bare, "torchscript", tmp_path / "model.ts")


def test_a_bundle_of_several_tensors_is_refused(repository: Path, tmp_path: Path) -> None:
    with pytest.raises(EchoSynthError, match=r"one tensor in: .* with inputs image, seg"):
        export_bundle(repository / "bundles" / "echo_domain_alignment", "torchscript", tmp_path / "model.ts")


@pytest.mark.parametrize("package", ["onnx", "onnxscript"])
def test_missing_package_names_the_extra(
    segmentation: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(EchoSynthError, match=r"pip install 'monai-echosynth\[onnx\]'"):
        export_bundle(segmentation, "onnx", tmp_path / "model.onnx")
