"""A picture of held-out frames beside their reconstructions by the gamma-VAE."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import torch
from torch import Tensor

from monai_echosynth.data.datalist import load_datalist
from monai_echosynth.networks.nets.gamma_autoencoder import GammaAutoencoder
from monai_echosynth.networks.nets.presets import gamma_autoencoder
from monai_echosynth.networks.weights import load_weights
from monai_echosynth.workflows.report.mosaic import draw_mosaic

__all__ = ["draw_reconstructions", "reconstruct"]


def draw_reconstructions(data: str | Path, weights: Path, size: str, path: Path, frames: int = 6) -> None:
    """Draw frames of the validation section above their reconstructions.

    Args:
        data: prepared folder.
        weights: autoencoder weights.
        size: preset of the autoencoder.
        path: PNG to write.
        frames: number of frames.
    """
    network = gamma_autoencoder(size).eval()
    load_weights(network, weights)
    items = load_datalist(data, "validation")
    items = items[:: max(len(items) // frames, 1)][:frames]
    image, decoded, _ = reconstruct(network, items)
    rows = [[f.numpy() for f in image[:, 0]], [f.numpy() for f in decoded[:, 0]]]
    draw_mosaic(rows, [str(item["id"]) for item in items], path)


def reconstruct(
    network: GammaAutoencoder, items: Sequence[Mapping[str, Any]], batch_size: int = 8
) -> tuple[Tensor, Tensor, Tensor]:
    """Frames of a prepared folder, their reconstructions from the posterior mean, and their sectors.

    All three are (N, 1, X, Y) float32; images in [0, 1] and 0 outside the sector.
    """
    image, label = (
        torch.from_numpy(np.stack([_read(item[key]) for item in items]))[:, None] for key in ("image", "label")
    )
    sector = (label > 0).float()
    image = image.float() / 255 * sector
    decoded = []
    with torch.inference_mode():
        for frames, mask in zip(image.split(batch_size), sector.split(batch_size), strict=True):
            decoded.append(network.decode_stage_2_outputs(network.encode_stage_2_inputs(frames, mask), mask))
    return image, torch.cat(decoded), sector


def _read(path: str) -> np.ndarray:
    return np.asarray(nib.load(path).dataobj)  # type: ignore[attr-defined]
