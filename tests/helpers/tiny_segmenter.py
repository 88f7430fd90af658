"""A segmenter's budget small enough for tests, and a bundle that holds one with random weights."""

from __future__ import annotations

from pathlib import Path

import torch

from monai_echosynth.networks.nets.segmenter import segmenter
from monai_echosynth.networks.weights import save_weights
from monai_echosynth.workflows.segmentation import SegmentationSettings, write_bundle

__all__ = ["TINY_SEGMENTER", "write_tiny_segmenter"]

TINY_SEGMENTER = SegmentationSettings(spatial_size=32, base_features=4, iterations=2, batch_size=2, epoch_iterations=1)


def write_tiny_segmenter(root: Path) -> Path:
    """An ``echo_segmentation`` bundle for 32 x 32 frames with random weights, the same every time."""
    write_bundle(root, TINY_SEGMENTER)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = segmenter(TINY_SEGMENTER.spatial_size, TINY_SEGMENTER.base_features)
    save_weights(network, root / "models" / "model.safetensors")
    return root
