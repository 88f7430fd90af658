"""Features of a segmenter, and the distance of two sets of frames in them."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from monai_echosynth.networks.nets.segmenter import segmenter
from monai_echosynth.networks.nets.segmenter_features import segmenter_features
from monai_echosynth.workflows.image_distance import image_distance
from monai_echosynth.workflows.segmentation import SegmentationSettings, train_segmenter
from tests.helpers.tiny_prepared import write_tiny_prepared

TINY = SegmentationSettings(spatial_size=64, base_features=8, iterations=2, batch_size=4, epoch_iterations=2)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_prepared(tmp_path_factory.mktemp("real"))


@pytest.fixture(scope="module")
def bundle(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("segmenter") / "bundle"
    train_segmenter(out, prepared, TINY, progress=False)
    return out


def test_features_are_means_of_every_level_of_the_contracting_path() -> None:
    network = segmenter(64, 8).eval()
    image = torch.randn(2, 1, 64, 64)
    features = segmenter_features(network, image)
    first = network.input_block(image)
    assert torch.allclose(features[:, : first.shape[1]], first.mean(dim=(2, 3)))
    bottom = network.bottleneck.conv1.conv.out_channels
    widths = [block.conv1.conv.out_channels for block in (network.input_block, *network.downsamples)]
    assert features.shape == (2, sum(widths) + bottom)


def test_a_set_is_nearer_to_itself_than_to_another(prepared: Path, bundle: Path, tmp_path: Path) -> None:
    other = write_tiny_prepared(tmp_path / "other", seed=5)
    same = image_distance(bundle, prepared, prepared, section="training").value
    apart = image_distance(bundle, prepared, other, section="training").value
    assert same < apart
