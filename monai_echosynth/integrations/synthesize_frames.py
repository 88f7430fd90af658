"""Draws ultrasound frames from semantic maps in memory with a trained ``echo_generative_diffusion`` bundle.

The generator has a grid of its own. Maps are brought to it, and the frames back to the grid of their maps, so that the size of
a pixel stays what it was; outside the sector the frames are black. Every frame has noise of its own: a cine of maps becomes a
cine whose speckle does not move along.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monai_echosynth.data.builtin_labels import OUTSIDE, SEMANTIC_LABELS
from monai_echosynth.data.read_nifti import read_nifti
from monai_echosynth.data.resample import resample_image
from monai_echosynth.data.write_nifti import write_nifti
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.integrations.label_maps import LabelCine
from monai_echosynth.integrations.segment_frames import check_overrides
from monai_echosynth.workflows.generate import generate

__all__ = ["synthesize_frames"]

_OURS = (
    "bundle_root",
    "dataset_dir",
    "output_dir",
    "section",
    "max_masks",
    "count",
    "copies",
    "format",
    "progress",
    "seed",
    "nfe",
)


def synthesize_frames(
    bundle: Path, cine: LabelCine, seed: int = 0, nfe: int = 24, overrides: Mapping[str, Any] | None = None
) -> NDArray[np.uint8]:
    """One frame a map.

    Args:
        bundle: trained ``echo_generative_diffusion`` bundle.
        cine: semantic maps.
        seed: frame k depends on (seed, k) and its map.
        nfe: network evaluations a frame.
        overrides: further ids of ``inference.json`` and their values.

    Returns:
        (F, X, Y) gray levels on the grid of the maps.

    Raises:
        EchoSynthError: the bundle is no generator, has no weights, or does not know an override.
    """
    if not (bundle / "configs" / "inference.json").is_file():
        raise EchoSynthError(f"a trained echo_generative_diffusion bundle was expected, got {bundle}: name one")
    check_overrides(bundle, overrides or {}, _OURS)
    with TemporaryDirectory(prefix="echosynth-") as scratch:
        masks, made = Path(scratch) / "masks", Path(scratch) / "set"
        for number, label in enumerate(cine.labels):
            write_nifti(masks / f"frame{number:06d}.nii.gz", label, cine.spacing)
        generate(bundle, masks, made, seed=seed, nfe=nfe, progress=False, **(overrides or {}))
        images = json.loads((made / "manifest.json").read_text(encoding="utf-8"))["images"]
        drawn = [read_nifti(made / image["image"]).array for image in images]
    frames = np.stack([resample_image(frame, (cine.labels.shape[1], cine.labels.shape[2])) for frame in drawn])
    frames[cine.labels == SEMANTIC_LABELS.id_of(OUTSIDE)] = 0
    return np.rint(np.clip(frames, 0, 255)).astype(np.uint8)
