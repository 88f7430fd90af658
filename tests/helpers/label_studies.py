"""Studies, annotations and a tiny segmenter as MONAI Label meets them."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import torch
from numpy.typing import NDArray

from monai_echosynth.networks.nets.segmenter import segmenter
from monai_echosynth.networks.weights import save_weights
from monai_echosynth.workflows.segmentation import write_bundle
from tests.helpers.tiny_prepared import tiny_frame
from tests.helpers.tiny_segmenter import TINY_SEGMENTER

__all__ = ["AFFINE", "save_nifti", "tiny_cine", "write_tiny_segmenter"]

AFFINE = np.array([[-0.7, 0.0, 0.0, 3.0], [0.0, -0.4, 0.0, -2.0], [0.0, 0.0, 1.0, 5.0], [0.0, 0.0, 0.0, 1.0]])


def tiny_cine(frames: int, shape: tuple[int, int] = (44, 36)) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Gray levels and structure ids 0..3, (X, Y, T)."""
    rng = np.random.default_rng(frames)
    pairs = [tiny_frame(shape, rng) for _ in range(frames)]
    images, maps = (np.stack([pair[i] for pair in pairs], axis=-1) for i in range(2))
    return images, np.where(maps == 4, 0, maps).astype(np.uint8)


def save_nifti(path: Path, array: NDArray[np.generic], affine: NDArray[np.float64] = AFFINE) -> Path:
    """Writes an array with its affine; returns the path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(nib.Nifti1Image(array, affine), path)
    return path


def write_tiny_segmenter(root: Path) -> Path:
    """An ``echo_segmentation`` bundle for 32 x 32 frames with random weights."""
    write_bundle(root, TINY_SEGMENTER)
    torch.manual_seed(0)
    network = segmenter(32, 4)
    for name in ("model.safetensors", "model.pt"):
        save_weights(network, root / "models" / name)
    return root
