"""Frames in memory give what the bundle's own inference writes; new weights are noticed; broken bundles are named."""

from __future__ import annotations

import json
import os
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import torch

from monai_echosynth.errors import EchoSynthError
from monai_echosynth.integrations.label.frame_segmenter import FrameSegmenter
from monai_echosynth.networks.nets.segmenter import segmenter
from monai_echosynth.networks.weights import save_weights
from monai_echosynth.workflows.run_bundle import run_bundle
from tests.helpers.label_studies import save_nifti, tiny_cine, write_tiny_segmenter

pytestmark = pytest.mark.filterwarnings("ignore:.*always_return_as_numpy.*:FutureWarning")


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_segmenter(tmp_path_factory.mktemp("bundle") / "echo_segmentation")


def test_labels_are_those_that_the_bundle_writes(bundle: Path, tmp_path: Path) -> None:
    images, _ = tiny_cine(3)
    for number in range(3):
        save_nifti(tmp_path / "in" / f"f{number}.nii.gz", images[..., number])
    out = tmp_path / "out"
    run_bundle(bundle, "inference.json", "inference", dataset_dir=str(tmp_path / "in"), output_dir=str(out))
    written = [np.asarray(nib.load(out / f"f{number}_seg.nii.gz").dataobj) for number in range(3)]
    labels = FrameSegmenter(bundle, "cpu").labels(images)
    assert len(np.unique(labels)) > 1
    assert np.array_equal(labels, np.stack(written, axis=-1))


def test_probabilities_and_features_have_one_row_a_frame(bundle: Path) -> None:
    segmenter_ = FrameSegmenter(bundle, "cpu")
    images, _ = tiny_cine(18)  # more than a batch
    probabilities, features = segmenter_.probabilities(images), segmenter_.features(images)
    assert probabilities.shape == (18, 4, 32, 32) and torch.allclose(probabilities.sum(dim=1), torch.ones(1), atol=1e-5)
    assert features.shape[0] == 18 and features.ndim == 2
    assert torch.allclose(features[17:], segmenter_.features(images[..., 17:]), atol=1e-5)


def test_new_weights_are_read(tmp_path: Path) -> None:
    root = write_tiny_segmenter(tmp_path / "b")
    first = FrameSegmenter(root, "cpu")
    images, _ = tiny_cine(1)
    before, stamp = first.probabilities(images), first.stamp()
    torch.manual_seed(7)
    save_weights(segmenter(32, 4), root / "models" / "model.safetensors")
    os.utime(root / "models" / "model.safetensors", ns=(1, 1))
    assert not torch.allclose(first.probabilities(images), before) and first.stamp() != stamp
    assert torch.allclose(first.probabilities(images), FrameSegmenter(root, "cpu").probabilities(images))


def test_broken_bundles_are_named(tmp_path: Path) -> None:
    root = write_tiny_segmenter(tmp_path / "b")
    path = root / "configs" / "inference.json"
    config = json.loads(path.read_text())
    (root / "models" / "model.safetensors").rename(root / "models" / "kept")
    with pytest.raises(EchoSynthError, match=r"weights needed at .*model\.safetensors"):
        FrameSegmenter(root)
    path.write_text(json.dumps({key: value for key, value in config.items() if key != "inferer"}))
    with pytest.raises(EchoSynthError, match=r"got no inferer in .*inference\.json"):
        FrameSegmenter(root)
    path.write_text("{")
    with pytest.raises(EchoSynthError, match="whole JSON"):
        FrameSegmenter(root)
    with pytest.raises(EchoSynthError, match=r"configs/inference\.json was expected, got .*nowhere"):
        FrameSegmenter(tmp_path / "nowhere")
