"""Metrics and audit of folders, networks and files that are not what they should be: one line, exit code 2, nothing written."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np

from tests.helpers.tiny_prepared import write_tiny_prepared

Fails = Callable[..., str]


def with_training(folder: Path, count: int) -> Path:
    """The prepared folder with fewer training frames."""
    content = json.loads((folder / "dataset.json").read_text())
    (folder / "dataset.json").write_text(json.dumps({**content, "training": content["training"][:count]}))
    return folder


def test_metrics(tmp_path: Path, fails: Fails, segmentation: Path, generator: Path) -> None:
    real, out = write_tiny_prepared(tmp_path / "real"), tmp_path / "out"
    rest = ["--out", out, "--segmenter", segmentation]
    fails(["metrics", real, tmp_path / "nowhere", *rest], tmp_path / "nowhere", "echosynth prepare")
    fails(["metrics", real, with_training(write_tiny_prepared(tmp_path / "none"), 0), *rest], "at least one frame")
    fails(
        ["metrics", real, with_training(write_tiny_prepared(tmp_path / "one"), 1), *rest], "at least 4 frames", "got 1"
    )
    fails(["metrics", real, real, *rest, "--extractor", "inception"], "inception:PATH")
    fails(
        ["metrics", real, real, *rest, "--extractor", f"clip:{tmp_path / 'absent'}"], "absent", "nothing is downloaded"
    )
    fails(["metrics", real, real, *rest, "--extractor", f"dinov2:{real}"], "config.json")
    fails(["metrics", real, real, *rest, "--extractor", f"radimagenet:{real / 'dataset.json'}"], "cannot be read")
    fails(["metrics", real, real, *rest, "--extractor", f"torchscript:{real / 'dataset.json'}"], "TorchScript")
    fails(["metrics", real, real, *rest, "--clip", tmp_path / "absent"], "absent", "config.json")
    fails(["metrics", real, real, "--out", out, "--segmenter", generator], "echo_segmentation")
    item = json.loads((real / "dataset.json").read_text())["test"][0]
    nib.save(nib.Nifti1Image(np.full((44, 36), np.nan, np.float32), np.eye(4)), real / item["image"])
    fails(["metrics", real, real, *rest], item["image"], "NaN")
    assert not out.exists()


def test_audit(tmp_path: Path, fails: Fails, segmentation: Path, generator: Path) -> None:
    data, out = write_tiny_prepared(tmp_path / "data", training=8, test=8), tmp_path / "out"
    rest = ["--training", data, "--out", out, "--segmenter", segmentation]
    fails(["audit", "--generator-set", tmp_path / "nowhere", *rest], tmp_path / "nowhere", "echosynth prepare")
    fails(["audit", "--generator-set", data, *rest, "--held-out-section", "training"], "'training' for both")
    fails(["audit", "--generator-set", data, *rest, "--false-alarms", "1"], "between 0 and 1")
    fails(
        ["audit", "--generator-set", data, *rest, "--bundle", segmentation], segmentation, "echo_generative_diffusion"
    )
    fails(["audit", "--generator-set", data, *rest, "--filtered", data], data, "new or empty folder")
    empty = with_training(write_tiny_prepared(tmp_path / "empty"), 0)
    fails(["audit", "--generator-set", empty, *rest], "at least one frame")
    assert not out.exists()
