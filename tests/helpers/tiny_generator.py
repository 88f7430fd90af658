"""The generative model at a size for tests: networks with random weights everywhere, masks, and a bundle that holds them.

MONAI starts the last layer of each block at zero, so that a fresh U-Net returns zero for any mask. ``scramble`` gives every
parameter a value that matters.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from monai_echosynth.networks.nets.gamma_autoencoder import GammaAutoencoder
from monai_echosynth.networks.nets.presets import gamma_autoencoder, spade_unet
from monai_echosynth.networks.nets.spade_unet import SPADEUNet
from monai_echosynth.networks.nets.speckle_texture import SpeckleTexture
from monai_echosynth.networks.weights import save_weights
from monai_echosynth.transforms.one_hot import LabelToSeg
from monai_echosynth.workflows.train import write_generative_bundle
from monai_echosynth.workflows.training_settings import GenerativeSettings, StageBudget
from tests.helpers.tiny_prepared import tiny_frame

__all__ = [
    "TINY_SETTINGS",
    "TINY_UNET",
    "scramble",
    "tiny_autoencoder",
    "tiny_seg",
    "tiny_unet",
    "write_tiny_bundle",
]

TINY_UNET: dict[str, Any] = {
    "channels": (16, 32),
    "num_res_blocks": 1,
    "attention_levels": (False, True),
    "norm_num_groups": 8,
    "num_head_channels": 16,
    "spade_intermediate_channels": 8,
}
TINY_SETTINGS = GenerativeSettings(
    32, StageBudget("quick", 2, 8, 4, 2e-3), StageBudget("quick", 2, 8, 4, 1e-3), variants=2
)


def scramble(network: nn.Module, seed: int = 0, scale: float = 0.1) -> Any:
    """Adds normal noise to every parameter and returns the network in evaluation mode."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter += scale * torch.randn(parameter.shape, generator=generator)
    return network.eval()


def tiny_autoencoder(seed: int = 0) -> GammaAutoencoder:
    """A two-fold autoencoder whose latents differ from pixel to pixel."""
    torch.manual_seed(seed)
    network: GammaAutoencoder = scramble(
        GammaAutoencoder((8, 16), 1, (False, False), norm_num_groups=4, hidden_channels=4), seed
    )
    network.normalizer.mean.fill_(0.3)
    network.normalizer.std.fill_(0.2)
    return network


def tiny_unet(seed: int = 0, **overrides: Any) -> SPADEUNet:
    """A two-level U-Net that answers to its mask."""
    torch.manual_seed(seed)
    network: SPADEUNet = scramble(spade_unet("quick", **(TINY_UNET | overrides)), seed)
    return network


def tiny_seg(count: int = 1, size: int = 32, seed: int = 0) -> Tensor:
    """One-hot masks (count, 5, size, size), all different."""
    rng = np.random.default_rng(seed)
    return torch.stack([LabelToSeg()(tiny_frame((size, size), rng)[1]) for _ in range(count)])


def write_tiny_bundle(root: Path) -> Path:
    """An ``echo_generative_diffusion`` bundle for 32 x 32 frames with scrambled weights."""
    write_generative_bundle(root, TINY_SETTINGS)
    torch.manual_seed(0)
    autoencoder = scramble(gamma_autoencoder("quick"), scale=0.05)
    autoencoder.normalizer.mean.fill_(0.3)
    autoencoder.normalizer.std.fill_(0.2)
    save_weights(autoencoder, root / "models" / "autoencoder.safetensors")
    save_weights(scramble(spade_unet("quick"), scale=0.05), root / "models" / "diffusion.safetensors")
    texture = SpeckleTexture()
    texture.law.std.fill_(0.03)
    save_weights(texture, root / "models" / "texture.safetensors")
    return root
