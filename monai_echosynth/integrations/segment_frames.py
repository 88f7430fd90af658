"""Segments frames in memory with a trained ``echo_segmentation`` bundle, driven by the bundle's own ``inference.json``.

The frames of a recording are a folder to the bundle: they are written as NIfTI with their spacing, run as ``monai.bundle run``
would, and read back on their native grid. So preprocessing, network, inversion and thresholding are those of the bundle, in
batches of its size.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monai_echosynth.data.builtin_labels import CAMUS_LABELS, TEE_LABELS
from monai_echosynth.data.label_table import LabelEntry, LabelTable
from monai_echosynth.data.read_nifti import read_nifti
from monai_echosynth.data.write_nifti import write_nifti
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.workflows.run_bundle import run_bundle

__all__ = ["bundle_labels", "bundle_version", "check_overrides", "segment_frames"]

_OURS = ("bundle_root", "dataset_dir", "output_dir", "output_ext", "output_postfix", "datalist")
_GRAY = (160, 160, 160)


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


def bundle_labels(bundle: Path) -> LabelTable:
    """What the ids of a segmentation bundle mean, from the first output of its metadata; colors of the built-in tables.

    Raises:
        EchoSynthError: ``bundle`` is not a segmentation bundle.
    """
    outputs = _metadata(bundle).get("network_data_format", {}).get("outputs", {})
    output: dict[str, Any] = next(iter(outputs.values()), {}) if isinstance(outputs, dict) else {}
    names = output.get("channel_def", {})
    if output.get("format") != "segmentation" or len(names) < 2:
        raise EchoSynthError(f"a trained echo_segmentation bundle was expected, got {bundle}: name one")
    colors = {row.name: row.color for table in (TEE_LABELS, CAMUS_LABELS) for row in table.entries}
    rows = sorted((int(number), str(name)) for number, name in names.items())
    return LabelTable(
        str(bundle), tuple(LabelEntry(number, name, number, colors.get(name, _GRAY)) for number, name in rows)
    )


def bundle_version(bundle: Path) -> str:
    """The version that the metadata name."""
    return str(_metadata(bundle).get("version", "unknown"))


def check_overrides(bundle: Path, overrides: Mapping[str, Any], reserved: tuple[str, ...]) -> None:
    """The ids must be keys of the bundle's ``inference.json`` and not among those ``reserved`` for the caller.

    Raises:
        EchoSynthError: one is not.
    """
    config = json.loads((bundle / "configs" / "inference.json").read_text(encoding="utf-8"))
    wrong = [key for key in overrides if key.split("::")[0] not in config or key in reserved]
    if wrong:
        known = ", ".join(
            key for key, value in config.items() if not isinstance(value, dict | list) and key not in reserved
        )
        raise EchoSynthError(
            f"settings of the bundle {bundle.name} must be ids of its inference.json ({known}), got {wrong[0]}: correct it"
        )


def _metadata(bundle: Path) -> dict[str, Any]:
    path = bundle / "configs" / "metadata.json"
    if not path.is_file() or not (bundle / "configs" / "inference.json").is_file():
        raise EchoSynthError(
            f"a bundle folder with configs/inference.json was expected, got {bundle}: name a bundle folder"
        )
    content = json.loads(path.read_text(encoding="utf-8"))
    return content if isinstance(content, dict) else {}
