"""One set of bytes, however it was made: any batch size, any number of processes, killed and started again, or extended."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from monai.transforms import LoadImage

from monai_echosynth.data import synthetic_set
from monai_echosynth.data.atomic import PARTIAL_PREFIX
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.workflows.generate import generate
from tests.helpers.tiny_generator import write_tiny_bundle
from tests.helpers.tiny_prepared import write_tiny_prepared

COUNT, NFE, SEED, COPIES = 8, 9, 3, 1


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_bundle(tmp_path_factory.mktemp("bundle"))


@pytest.fixture(scope="module")
def masks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_prepared(tmp_path_factory.mktemp("prepared"), training=3)


@pytest.fixture(scope="module")
def reference(bundle: Path, masks: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("reference") / "set"
    made = _generate(bundle, masks, out, batch_size=1)
    assert (made["count"], made["new"], made["nfe"], made["solver"]) == (COUNT, COUNT, NFE, "dpmpp_2m_sde")
    return out


def _generate(bundle: Path, masks: Path, out: Path, **options: Any) -> dict[str, Any]:
    shared = {"count": COUNT, "nfe": NFE, "seed": SEED, "copies": COPIES, "progress": False}
    return generate(bundle, masks, out, **{**shared, **options})


def _command(bundle: Path, masks: Path, out: Path, *launcher: str) -> list[str]:
    words = ["generate", "--bundle", bundle, "--masks", masks, "--out", out, "--count", COUNT, "--nfe", NFE]
    words += ["--seed", SEED, "--copies", COPIES, "--batch-size", 1]
    return [sys.executable, *launcher, "-m", "monai_echosynth", *map(str, words)]


def _environment() -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}


def _bytes(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_images_differ_and_carry_speckle(reference: Path) -> None:
    manifest = json.loads((reference / "manifest.json").read_text())
    assert len({record["image_sha256"] for record in manifest["images"]}) == COUNT
    for record in manifest["images"]:
        image, label = (np.asarray(LoadImage(image_only=True)(reference / record[key])) for key in ("image", "label"))
        assert (image[label == 0] == 0).all()
        assert image[label > 0].std() > 1
        assert set(np.unique(label)) <= set(range(5))


@pytest.mark.parametrize("batch_size", [3, 8])
def test_batch_size(bundle: Path, masks: Path, reference: Path, tmp_path: Path, batch_size: int) -> None:
    _generate(bundle, masks, tmp_path / "set", batch_size=batch_size)
    assert _bytes(tmp_path / "set") == _bytes(reference)


@pytest.mark.timeout(600)
def test_two_processes(bundle: Path, masks: Path, reference: Path, tmp_path: Path) -> None:
    launcher = ("-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2")
    command = _command(bundle, masks, tmp_path / "set", *launcher)
    done = subprocess.run(command, env=_environment(), capture_output=True, text=True, timeout=500, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert _bytes(tmp_path / "set") == _bytes(reference)


@pytest.mark.timeout(600)
def test_killed_and_started_again(bundle: Path, masks: Path, reference: Path, tmp_path: Path) -> None:
    out = tmp_path / "set"
    process = subprocess.Popen(
        _command(bundle, masks, out),
        env=_environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 300
        while len(_images(out)) < 3:
            assert process.poll() is None, "the run ended before it could be killed"
            assert time.monotonic() < deadline
            time.sleep(0.002)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert 3 <= len(_images(out)) < COUNT
    assert not (out / "manifest.json").exists()
    before = {path: path.stat().st_mtime_ns for path in _images(out)}
    made = _generate(bundle, masks, out, batch_size=3)
    assert made["new"] < COUNT
    assert all(path.stat().st_mtime_ns == stamp for path, stamp in before.items())
    assert _bytes(out) == _bytes(reference)


def _images(out: Path) -> list[Path]:
    return [path for path in (out / "images").glob("*.nii.gz") if not path.name.startswith(PARTIAL_PREFIX)]


def test_a_larger_count_extends_a_set(bundle: Path, masks: Path, reference: Path, tmp_path: Path) -> None:
    out = tmp_path / "set"
    for count in (2, 5, COUNT):
        _generate(bundle, masks, out, count=count)
    assert _bytes(out) == _bytes(reference)
    assert _generate(bundle, masks, out)["new"] == 0
    with pytest.raises(EchoSynthError, match="more than the 5 asked for"):
        _generate(bundle, masks, out, count=5)


@pytest.mark.parametrize(("key", "value"), [("seed", 4), ("nfe", 5), ("solver", "euler"), ("format", "png")])
def test_other_settings_are_refused(bundle: Path, masks: Path, reference: Path, key: str, value: Any) -> None:
    before = _bytes(reference)
    with pytest.raises(EchoSynthError, match=f"a set made with {key} = "):
        _generate(bundle, masks, reference, **{key: value})
    assert _bytes(reference) == before


@pytest.mark.parametrize("file_format", ["png", "nnunet"])
def test_other_formats_hold_the_same_pixels(
    bundle: Path, masks: Path, reference: Path, tmp_path: Path, file_format: str
) -> None:
    out = tmp_path / "set"
    _generate(bundle, masks, out, count=2, format=file_format)
    read = LoadImage(image_only=True)
    wanted, found = (json.loads((f / "manifest.json").read_text())["images"][:2] for f in (reference, out))
    for a, b in zip(wanted, found, strict=True):
        assert np.array_equal(read(reference / a["image"]), read(out / b["image"]))
        label = np.asarray(read(reference / a["label"]))
        expected = np.where(label == 4, 0, label) if file_format == "nnunet" else label
        assert np.array_equal(expected, read(out / b["label"]))
    if file_format == "nnunet":
        assert sorted(path.name for path in out.iterdir() if path.is_dir()) == ["imagesTr", "labelsTr"]
        dataset = json.loads((out / "dataset.json").read_text())
        assert dataset["numTraining"] == 2
        assert dataset["labels"] == {"background": 0, "lv_endo": 1, "myo": 2, "la": 3}


def test_a_full_disk_says_so_and_leaves_no_manifest(
    bundle: Path, masks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[str] = []

    def full(folder: Path, name: str, *args: Any) -> None:
        if len(written) == 2:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder / name))
        written.append(name)
        original(folder, name, *args)

    original = synthetic_set.write_frame
    monkeypatch.setattr(synthetic_set, "write_frame", full)
    with pytest.raises(OSError, match="No space left"):
        _generate(bundle, masks, tmp_path / "set", count=4, nfe=3, batch_size=1)
    assert not (tmp_path / "set" / "manifest.json").exists()
    monkeypatch.undo()
    assert _generate(bundle, masks, tmp_path / "set", count=4, nfe=3)["new"] == 2


def test_bundle_without_weights_is_named(masks: Path, repository: Path, tmp_path: Path) -> None:
    with pytest.raises(EchoSynthError, match=r"autoencoder\.safetensors, which does not exist"):
        generate(repository / "bundles" / "echo_generative_diffusion", masks, tmp_path / "set", progress=False)
    assert not (tmp_path / "set").exists()
