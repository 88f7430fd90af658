"""Measures the scale of training frames, all that a model of frames needs in the place of an autoencoder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from monai_echosynth.data.datalist import load_datalist
from monai_echosynth.networks.nets.pixel_space import PixelSpace
from monai_echosynth.networks.weights import save_weights
from monai_echosynth.workflows.report.frame_io import read_frame

__all__ = ["fit_pixel_space"]


def fit_pixel_space(data: str | Path, weights: str | Path, frames: int = 256) -> dict[str, float]:
    """Fit a :class:`~monai_echosynth.networks.nets.pixel_space.PixelSpace` and save it.

    Args:
        data: prepared folder; frames of its training section are used, evenly spread.
        weights: file to write.
        frames: number of frames at most.

    Returns:
        ``mean`` and ``std`` of the gray levels inside the sector, of 1.
    """
    items = load_datalist(data, "training")
    read = [read_frame(item) for item in items[:: max(len(items) // frames, 1)][:frames]]
    image = torch.from_numpy(np.stack([frame.image for frame in read]))[:, None]
    sector = torch.from_numpy(np.stack([frame.label > 0 for frame in read]))[:, None]
    space = PixelSpace()
    space.normalizer.fit(image, sector.float())
    save_weights(space, weights)
    return {"mean": float(space.normalizer.mean), "std": float(space.normalizer.std)}
