"""The segmenter of the demonstration where no trained one is given: a minute of training on simulated frames."""

from __future__ import annotations

from pathlib import Path

from monai_echosynth.data.phantom import write_phantom
from monai_echosynth.workflows.prepare import prepare
from monai_echosynth.workflows.segmentation import SegmentationSettings, train_segmenter

__all__ = ["demo_segmenter"]

_PATIENTS = 40
_SETTINGS = SegmentationSettings(spatial_size=96, iterations=300)


def demo_segmenter(out: Path) -> Path:
    """Trains ``out/segmenter`` on frames in ``out/segmenter_data``, unless it is there already; returns the bundle."""
    bundle, data = out / "segmenter", out / "segmenter_data"
    if (bundle / "models" / "SHA256SUMS").is_file():
        return bundle
    write_phantom(data / "phantom", _PATIENTS, views=("4CH",), workers=1)
    if not (data / "prepared" / "dataset.json").is_file():
        prepare(data / "phantom", data / "prepared", size=_SETTINGS.spatial_size)
    train_segmenter(bundle, data / "prepared", _SETTINGS)
    return bundle
