"""Segments frames in memory with a trained ``echo_segmentation`` bundle, driven by the bundle's own ``inference.json``.

The frames of a recording are a folder to the bundle: they are written as NIfTI with their spacing, run as ``monai.bundle run``
would, and read back on their native grid. So preprocessing, network, inversion and thresholding are those of the bundle, in
batches of its size.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monai_echosynth.data.read_nifti import read_nifti
from monai_echosynth.data.write_nifti import write_nifti
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.integrations.bundle_labels import bundle_labels
from monai_echosynth.workflows.bundle_config import read_config, read_metadata
from monai_echosynth.workflows.run_bundle import run_bundle

__all__ = ["bundle_version", "check_overrides", "segment_frames"]

_OURS = ("bundle_root", "dataset_dir", "output_dir", "output_ext", "output_postfix", "datalist")


def segment_frames(
    bundle: Path, frames: NDArray[np.uint8], spacing: tuple[float, float], overrides: Mapping[str, Any] | None = None
) -> NDArray[np.uint8]:
    """Label maps of frames.

    Args:
        bundle: trained ``echo_segmentation`` bundle.
        frames: (F, X, Y) gray levels.
        spacing: pixel size in mm along x and y.
        overrides: further ids of ``inference.json`` and their values, such as ``batch_size``.

    Returns:
        (F, X, Y) ids of :func:`bundle_labels`.

    Raises:
        EchoSynthError: the bundle is none for segmentation, has no weights, or does not know an override.
    """
    bundle_labels(bundle)
    check_overrides(bundle, overrides or {}, _OURS)
    with TemporaryDirectory(prefix="echosynth-") as scratch:
        images, labels = Path(scratch) / "images", Path(scratch) / "labels"
        names = [f"frame{number:06d}" for number in range(len(frames))]
        for name, frame in zip(names, frames, strict=True):
            write_nifti(images / f"{name}.nii.gz", frame, spacing)
        ids = {"dataset_dir": str(images), "output_dir": str(labels), "output_ext": ".nii.gz", "output_postfix": "seg"}
        run_bundle(bundle, "inference.json", "inference", **ids, **(overrides or {}))
        return np.stack([read_nifti(labels / f"{name}_seg.nii.gz").array.astype(np.uint8) for name in names])


def bundle_version(bundle: Path) -> str:
    """The version that the metadata name."""
    return str(read_metadata(bundle).get("version", "unknown"))


def check_overrides(bundle: Path, overrides: Mapping[str, Any], reserved: tuple[str, ...]) -> None:
    """The ids must be keys of the bundle's ``inference.json`` and not among those ``reserved`` for the caller.

    Raises:
        EchoSynthError: one is not.
    """
    config = read_config(bundle)
    wrong = [key for key in overrides if key.split("::")[0] not in config or key in reserved]
    if wrong:
        known = ", ".join(
            key for key, value in config.items() if not isinstance(value, dict | list) and key not in reserved
        )
        raise EchoSynthError(
            f"settings of the bundle {bundle.name} must be ids of its inference.json ({known}), got {wrong[0]}: correct it"
        )
