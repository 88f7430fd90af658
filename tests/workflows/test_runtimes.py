"""A set is made with the runtime asked for, or with a plainer one and a line that says so; its manifest tells which."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from monai.transforms import LoadImage

from monai_echosynth.errors import EchoSynthError
from monai_echosynth.inferers.runtime import Runtime
from monai_echosynth.integrations import onnx_file
from monai_echosynth.integrations.onnx_file import open_onnx
from monai_echosynth.workflows import runtimes
from monai_echosynth.workflows.generate import generate
from tests.helpers.tiny_generator import write_tiny_bundle
from tests.helpers.tiny_prepared import write_tiny_prepared

COUNT = 2


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_bundle(tmp_path_factory.mktemp("bundle"))


@pytest.fixture(scope="module")
def masks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_prepared(tmp_path_factory.mktemp("prepared"), training=2)


@pytest.fixture(scope="module")
def plain(bundle: Path, masks: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("plain") / "set"
    assert _generate(bundle, masks, out)["runtime"] == "plain"
    return out


def _generate(bundle: Path, masks: Path, out: Path, **options: Any) -> dict[str, Any]:
    return generate(bundle, masks, out, count=COUNT, nfe=2, solver="euler", progress=False, **options)


def _manifest(out: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((out / "manifest.json").read_text())
    return found


def _largest_difference(first: Path, second: Path) -> float:
    read = LoadImage(image_only=True)
    pairs = zip(_manifest(first)["images"], _manifest(second)["images"], strict=True)
    images = [[np.asarray(read(at / one["image"]), float) for at, one in ((first, a), (second, b))] for a, b in pairs]
    return max(float(np.abs(a - b).max()) for a, b in images)


def test_the_plain_networks_are_told_too(plain: Path) -> None:
    assert _manifest(plain)["execution"] == {"name": "plain", "bit_stable": True}
    assert _manifest(plain)["runtime"] is None


def test_a_runtime_is_checked_used_and_told(bundle: Path, masks: Path, plain: Path, tmp_path: Path) -> None:
    out = tmp_path / "set"
    assert _generate(bundle, masks, out, runtime="channels_last")["runtime"] == "fused+channels_last"
    manifest = _manifest(out)
    execution = manifest["execution"]
    assert manifest["runtime"] == execution["name"] == "fused+channels_last"
    assert execution["bit_stable"] is True and execution["tolerance"] == runtimes.TOLERANCE
    assert execution["tried"][0]["difference"] < 1e-3
    assert _largest_difference(plain, out) <= 1
    with pytest.raises(EchoSynthError, match=r"a set made with runtime = fused\+channels_last, not None"):
        _generate(bundle, masks, out)


@pytest.mark.parametrize(
    ("runtime", "used", "line"),
    [
        ("cuda_graph", "fused", "cuda_graph cannot be had, it needs a CUDA device: going on without it"),
        ("compiled", "fused", "compiled cannot be had, it needs a C++ compiler: going on without it"),
        ("onnxruntime", "fused", "runtime fused+onnxruntime is not used, failed: ONNX needs the packages"),
    ],
)
def test_what_cannot_be_had_is_left_out_with_a_line(
    bundle: Path,
    masks: Path,
    plain: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    runtime: str,
    used: str,
    line: str,
) -> None:
    def absent() -> Any:
        raise EchoSynthError("ONNX needs the packages onnx and onnxscript (No module named 'onnx')")

    monkeypatch.setenv("CXX", "no-such-compiler")
    monkeypatch.setattr(onnx_file, "_onnx", absent)
    with caplog.at_level(logging.WARNING, logger=runtimes.__name__):
        assert _generate(bundle, masks, tmp_path / "set", runtime=runtime)["runtime"] == used
    told = [record.getMessage() for record in caplog.records if record.name == runtimes.__name__]
    assert len(told) == 1 and told[0].startswith(line)
    assert _largest_difference(plain, tmp_path / "set") <= 1


def test_a_compiler_that_fails_is_survived(
    bundle: Path, masks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*args: Any, **options: Any) -> Any:
        raise RuntimeError("C++ compile error\nthirty lines of it")

    monkeypatch.setattr(torch, "compile", broken)
    monkeypatch.setattr(Runtime, "missing", lambda *_: None)
    assert _generate(bundle, masks, tmp_path / "set", runtime="compiled")["runtime"] == "fused"
    told = [record.getMessage() for record in caplog.records if record.name == runtimes.__name__]
    assert told == ["runtime fused+compiled is not used, failed: C++ compile error thirty lines of it"]


def test_wrong_images_are_never_written(
    bundle: Path, masks: Path, plain: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = Runtime.prepare

    def wrong(self: Runtime, network: Any, image: Any) -> Any:
        form, passed = original(self, network, image)
        if self.parts:
            form.conv_in.conv.weight.data *= 1.5
        return form, passed

    monkeypatch.setattr(Runtime, "prepare", wrong)
    out = tmp_path / "set"
    assert _generate(bundle, masks, out, runtime="channels_last")["runtime"] == "plain"
    tried = _manifest(out)["execution"]["tried"]
    assert [row["name"] for row in tried] == ["fused+channels_last", "fused"]
    assert all("differs by" in row["left_out"] for row in tried)
    assert _largest_difference(plain, out) == 0


def test_tuning_takes_what_it_measured_and_a_set_keeps_it(
    bundle: Path, masks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ["plain", "fused", "bfloat16", "cuda_graph"]
    monkeypatch.setattr(runtimes, "candidates", lambda _: names)
    out = tmp_path / "set"
    made = _generate(bundle, masks, out, tune=True)
    execution = _manifest(out)["execution"]
    rows = {row["name"]: row for row in execution["tried"]}
    assert list(rows) == ["plain", "fused", "fused+bfloat16", "fused+cuda_graph"]
    assert "CUDA" in rows["fused+cuda_graph"]["left_out"] and "differs by" in rows["fused+bfloat16"]["left_out"]
    usable = {name: row["speedup"] for name, row in rows.items() if "left_out" not in row}
    assert made["runtime"] == execution["name"] == max(usable, key=lambda name: usable[name])
    assert execution["machine"]["cores"] >= 1
    monkeypatch.setattr(runtimes, "candidates", lambda _: pytest.fail("a set that was begun is tuned again"))
    assert _generate(bundle, masks, out, tune=True)["runtime"] == made["runtime"]
    assert _manifest(out)["execution"] == execution


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"tune": True, "runtime": "fused"}, "leave one out"),
        ({"runtime": "fused", "tolerance": 0.0}, "the tolerance must be a positive difference"),
        ({"runtime": "warp"}, "got 'warp': choose among them"),
    ],
)
def test_what_is_refused(bundle: Path, masks: Path, tmp_path: Path, options: dict[str, Any], reason: str) -> None:
    with pytest.raises(EchoSynthError, match=reason):
        _generate(bundle, masks, tmp_path / "set", **options)
    assert not (tmp_path / "set").exists()


def test_several_processes_do_not_tune(
    bundle: Path, masks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(EchoSynthError, match="--tune is for one process, got several"):
        _generate(bundle, masks, tmp_path / "set", tune=True)


def test_a_wrong_provider_is_named(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    with pytest.raises(EchoSynthError, match="ONNX Runtime must have NoSuchExecutionProvider, got one with"):
        open_onnx(tmp_path / "none.onnx", ["NoSuchExecutionProvider"])


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("name", ["compiled", "onnxruntime"])
def test_other_programs_compute_the_same(bundle: Path, masks: Path, plain: Path, tmp_path: Path, name: str) -> None:
    if name == "onnxruntime":
        pytest.importorskip("onnxruntime")
    for batch_size in (1, 2):
        out = tmp_path / f"set{batch_size}"
        assert _generate(bundle, masks, out, runtime=name, batch_size=batch_size)["runtime"] == f"fused+{name}"
        assert _largest_difference(plain, out) <= 1
    assert _manifest(tmp_path / "set1")["images"] == _manifest(tmp_path / "set2")["images"]
