"""Folders that cannot be written and full disks: the file is named and nothing looks whole."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from monai_echosynth.commands import train
from tests.helpers.damage import unfinished
from tests.helpers.echo_frames import camus_folder
from tests.helpers.tiny_prepared import write_tiny_prepared
from tests.helpers.tiny_views import write_tiny_views

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning", "ignore::FutureWarning")

Fails = Callable[..., str]
Training = Callable[[str, Path, Path], list[object]]

# folders that cannot be written, disks that are full


def commands(tmp_path: Path, generator: Path, segmentation: Path, out: Path) -> dict[str, list[object]]:
    data, source = write_tiny_prepared(tmp_path / "data"), camus_folder(tmp_path / "source", 4)
    quick = ["--preset", "quick", "--data", data, "--out", out]
    return {
        "phantom": ["phantom", "--patients", 3, "--width", 64, "--workers", 1, "--out", out],
        "prepare": ["prepare", "--data", source, "--size", 32, "--out", out],
        "generator": ["train", *quick],
        "segmenter": ["train", "--model", "segmenter", *quick],
        "generate": ["generate", "--bundle", generator, "--masks", data, "--nfe", 1, "--out", out],
        "evaluate": ["evaluate", "--bundle", segmentation, "--data", data, "--out", out],
        "demo": ["demo", "--data", source, "--preset", "quick", "--out", out],
    }


each_command = pytest.mark.parametrize(
    "command", ["phantom", "prepare", "generator", "segmenter", "generate", "evaluate", "demo"]
)


@each_command
def test_output_below_a_file(
    command: str, tmp_path: Path, fails: Fails, generator: Path, segmentation: Path, tiny_presets: None
) -> None:
    (tmp_path / "file").write_text("not a folder")
    fails(commands(tmp_path, generator, segmentation, tmp_path / "file" / "out")[command], tmp_path / "file", "choose")
    assert (tmp_path / "file").read_text() == "not a folder"


@each_command
@pytest.mark.parametrize(
    ("number", "remedy"), [(errno.ENOSPC, "free some space"), (errno.EROFS, "may write")], ids=["full", "read-only"]
)
def test_output_that_cannot_be_written(
    command: str,
    number: int,
    remedy: str,
    tmp_path: Path,
    fails: Fails,
    generator: Path,
    segmentation: Path,
    tiny_presets: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = tmp_path / "out"
    arguments = commands(tmp_path, generator, segmentation, out)[command]
    replace = os.replace

    def refuse(self: Path, target: Any) -> Path:
        if Path(target).is_relative_to(out) and Path(target).name.endswith(
            (".nii.gz", ".safetensors", "generation.json", "summary.json")
        ):
            raise OSError(number, os.strerror(number), str(target))
        replace(self, target)
        return Path(target)

    monkeypatch.setattr(Path, "replace", refuse)
    fails(arguments, out, remedy)
    assert unfinished(out)


def test_full_disk_under_predictions(
    tmp_path: Path, fails: Fails, segmentation: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MONAI tries one writer after another and forgets why they failed."""
    import monai.data

    def full(self: object, *_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    for writer in (monai.data.NibabelWriter, monai.data.ITKWriter):
        monkeypatch.setattr(writer, "write", full)
    monkeypatch.setattr(Path, "write_bytes", full)
    data = write_tiny_prepared(tmp_path / "data")
    command = ["evaluate", "--bundle", segmentation, "--data", data, "--out", tmp_path / "out"]
    fails(command, tmp_path / "out", "free some space")
    assert unfinished(tmp_path / "out")


@pytest.mark.parametrize("model", train.MODELS)
def test_full_disk_under_checkpoints(
    model: str, tmp_path: Path, fails: Fails, training: Training, monkeypatch: pytest.MonkeyPatch
) -> None:
    """torch.save names no file."""
    import torch

    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(torch, "save", full)
    data = write_tiny_views(tmp_path / "data")
    fails(training(model, data, tmp_path / "out"), tmp_path / "out", "free some space")
    copies = [f"{name}.safetensors" for name in ("autoencoder", "texture", "teacher")]
    assert unfinished(tmp_path / "out", copies if model in ("student", "companion") else ())
