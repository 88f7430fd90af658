"""A segmenter's budget small enough for tests."""

from __future__ import annotations

from monai_echosynth.workflows.segmentation import SegmentationSettings

TINY_SEGMENTER = SegmentationSettings(spatial_size=32, base_features=4, iterations=2, batch_size=2, epoch_iterations=1)
