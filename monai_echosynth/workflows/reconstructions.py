"""A picture of held-out frames beside their reconstructions by the gamma-VAE."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import torch

from monai_echosynth.data.datalist import load_datalist
from monai_echosynth.networks.nets.presets import gamma_autoencoder
from monai_echosynth.networks.weights import load_weights
from monai_echosynth.workflows.report.mosaic import draw_mosaic

__all__ = ["draw_reconstructions"]


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
    image, label = (
        torch.from_numpy(np.stack([_read(item[key]) for item in items]))[:, None] for key in ("image", "label")
    )
    sector = (label > 0).float()
    with torch.inference_mode():
        latent = network.encode_stage_2_inputs(image.float() / 255 * sector, sector)
        decoded = network.decode_stage_2_outputs(latent, sector)
    rows = [[f.numpy() for f in image[:, 0]], [f.numpy() for f in decoded[:, 0]]]
    draw_mosaic(rows, [str(item["id"]) for item in items], path)


def _read(path: str) -> np.ndarray:
    return np.asarray(nib.load(path).dataobj)  # type: ignore[attr-defined]
