"""What is measured: networks with random weights, and frames with a sector, a chamber, its wall and an atrium."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from monai_echosynth.data.atomic import write_json
from monai_echosynth.data.write_nifti import write_nifti
from monai_echosynth.networks.nets.gamma_autoencoder import GammaAutoencoder
from monai_echosynth.networks.nets.presets import gamma_autoencoder, spade_unet
from monai_echosynth.networks.nets.spade_unet import SPADEUNet
from monai_echosynth.networks.nets.speckle_texture import SpeckleTexture
from monai_echosynth.networks.weights import save_weights
from monai_echosynth.transforms.one_hot import LabelToSeg
from monai_echosynth.workflows.generative_bundle import write_generative_bundle
from monai_echosynth.workflows.training_settings import GenerativeSettings, StageBudget

__all__ = ["autoencoder", "device", "frame", "scrambled", "segs", "unet", "write_bundle", "write_frames"]


def device() -> torch.device:
    """Where everything runs."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def unet(size: str) -> SPADEUNet:
    """U-Net of a preset whose output is not the zero that MONAI starts at."""
    torch.manual_seed(0)
    return scrambled(spade_unet(size))


def autoencoder(size: str) -> GammaAutoencoder:
    """Gamma-VAE of a preset."""
    torch.manual_seed(0)
    network: GammaAutoencoder = scrambled(gamma_autoencoder(size))
    network.normalizer.mean.fill_(0.3)
    network.normalizer.std.fill_(0.2)
    return network


def frame(size: int, seed: int = 0) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Image (size, size) and semantic map with all ids."""
    rng = np.random.default_rng(seed)
    x, y = np.meshgrid(*[(np.arange(size) + 0.5) / size] * 2, indexing="ij")
    shift = rng.uniform(-0.03, 0.03)
    label = np.where((np.abs(x - 0.5) < 0.7 * y) & (np.hypot(x - 0.5, y) < 0.97), 4, 0)
    for value, cy, rx, ry in ((2, 0.45, 0.2, 0.28), (1, 0.45, 0.13, 0.2), (3, 0.78, 0.13, 0.1)):
        label[(((x - 0.5 - shift) / rx) ** 2 + ((y - cy) / ry) ** 2 < 1) & (label > 0)] = value
    gray = np.array([0.0, 0.1, 0.6, 0.12, 0.35])[label] * rng.gamma(4.0, 0.25, label.shape)
    return (255 * np.clip(gray, 0, 1)).astype(np.uint8), label.astype(np.uint8)


def segs(count: int, size: int) -> Tensor:
    """One-hot maps (count, 5, size, size), all different."""
    return torch.stack([LabelToSeg()(frame(size, seed)[1]) for seed in range(count)]).float().to(device())


def write_frames(folder: Path, count: int, size: int) -> Path:
    """A prepared folder with ``count`` training frames."""
    items = []
    for number in range(count):
        name = f"p{number:03d}_4CH_ED"
        paths = {key: f"{key}s/{name}.nii.gz" for key in ("image", "label")}
        for path, array in zip(paths.values(), frame(size, number), strict=True):
            write_nifti(folder / path, array, (1.0, 1.0))
        items.append({**paths, "id": name, "patient": f"p{number:03d}", "view": "4CH", "phase": "ED"})
    sections = {"training": items, "validation": [], "test": []}
    write_json(folder / "dataset.json", {"format": 1, "name": "frames", "spatial_size": [size, size], **sections})
    return folder


def write_bundle(folder: Path, size: str, side: int) -> Path:
    """A generator of a preset as training leaves it, but for its weights, which are random."""
    budget = StageBudget(size, 1, 1, 1, 1e-3)
    write_generative_bundle(folder, GenerativeSettings(side, budget, budget, 1))
    save_weights(autoencoder(size), folder / "models" / "autoencoder.safetensors")
    save_weights(unet(size), folder / "models" / "diffusion.safetensors")
    save_weights(SpeckleTexture(), folder / "models" / "texture.safetensors")
    return folder


def scrambled(network: nn.Module) -> Any:
    """The network where everything runs, with noise on all weights: MONAI starts the last layer of each block at zero."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter += 0.02 * torch.randn(parameter.shape, generator=generator)
    return network.to(device()).eval()
