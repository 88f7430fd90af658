"""Measures the speckle texture that a trained autoencoder's reconstructions lack, on training frames."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from monai_echosynth.data.datalist import load_datalist
from monai_echosynth.networks.nets.presets import gamma_autoencoder
from monai_echosynth.networks.nets.speckle_texture import SpeckleTexture
from monai_echosynth.networks.weights import load_weights, save_weights
from monai_echosynth.workflows.reconstructions import reconstruct

__all__ = ["fit_texture"]


def fit_texture(
    data: str | Path, autoencoder: str | Path, size: str, weights: str | Path, frames: int = 256
) -> dict[str, Any]:
    """Fit a :class:`~monai_echosynth.networks.nets.speckle_texture.SpeckleTexture` and save it.

    Args:
        data: prepared folder; frames of its training section are used, evenly spread.
        autoencoder: weights of the autoencoder.
        size: preset of the autoencoder.
        weights: file to write.
        frames: number of frames at most.

    Returns:
        Smallest and largest standard deviation of the texture over intensities and slopes.
    """
    network = gamma_autoencoder(size).eval()
    load_weights(network, autoencoder)
    items = load_datalist(data, "training")
    texture = SpeckleTexture()
    image, decoded, sector = reconstruct(network, items[:: max(len(items) // frames, 1)][:frames])
    texture.fit(image, decoded, sector)
    save_weights(texture, weights)
    return {"std_min": float(texture.law.std.min()), "std_max": float(texture.law.std.max())}
