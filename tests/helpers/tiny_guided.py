"""Tiny pictures of three classes, a trained-looking guided bundle for them, and a text encoder of a few words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

from monai_echosynth.data.phantom import write_lesion_phantom
from monai_echosynth.networks.nets.guided_unet import Guidance, GuidedUNet, guided_unet
from monai_echosynth.networks.nets.presets import gamma_autoencoder
from monai_echosynth.networks.weights import save_weights
from monai_echosynth.workflows.checksums import write_checksums
from monai_echosynth.workflows.guided_settings import GuidedSettings
from monai_echosynth.workflows.guided_training import write_guided_bundle
from monai_echosynth.workflows.prepare import prepare
from monai_echosynth.workflows.training_settings import StageBudget
from tests.helpers.tiny_generator import scramble

__all__ = [
    "CLASSES",
    "TINY_GUIDED",
    "tiny_guided_unet",
    "write_text_encoder",
    "write_tiny_guided",
    "write_tiny_lesions",
]

CLASSES = ("benign", "malignant", "normal")
_BUDGET = StageBudget("quick", 1, 4, 2, 1e-3)
TINY_GUIDED = GuidedSettings(32, _BUDGET, _BUDGET)


def write_tiny_lesions(folder: Path, pictures: int = 12) -> Path:
    """A prepared folder of 32 x 32 pixels: two thirds of the pictures train, one validates."""
    raw = write_lesion_phantom(folder / "raw", pictures, seed=1, width=64, workers=1, progress=False)
    return prepare(raw, folder / "prepared", size=32, n_test=3, progress=False)


def tiny_guided_unet(guidance: Guidance | str = Guidance.CLASS, **overrides: Any) -> GuidedUNet:
    """A two-level network that answers to its condition."""
    small = {"channels": (16, 16), "attention_levels": (False, True), "norm_num_groups": 8, "num_head_channels": 8}
    torch.manual_seed(0)
    network: GuidedUNet = scramble(guided_unet("quick", guidance, **{**small, **overrides}))
    return network


def write_tiny_guided(root: Path, **overrides: Any) -> Path:
    """An ``ultrasound_guided_diffusion`` bundle for 32 x 32 pictures with scrambled weights, guided by class."""
    write_guided_bundle(root, TINY_GUIDED, CLASSES)
    torch.manual_seed(0)
    autoencoder = scramble(gamma_autoencoder("quick", sigma_data=1.0), scale=0.05)
    autoencoder.normalizer.mean.fill_(0.3)
    autoencoder.normalizer.std.fill_(0.2)
    save_weights(autoencoder, root / "models" / "autoencoder.safetensors")
    save_weights(scramble(guided_unet("quick", **overrides), scale=0.02), root / "models" / "diffusion.safetensors")
    write_checksums(root)
    return root


def write_text_encoder(folder: Path, seed: int = 0, width: int = 16) -> Path:
    """CLIP's text side with an alphabet for a vocabulary; needs ``transformers``."""
    import transformers

    folder.mkdir(parents=True, exist_ok=True)
    letters = "abcdefghijklmnopqrstuvwxyz,"
    words = ["<|startoftext|>", "<|endoftext|>", *letters, *(f"{letter}</w>" for letter in letters), "be"]
    (folder / "vocab.json").write_text(json.dumps({word: i for i, word in enumerate(words)}))
    (folder / "merges.txt").write_text("#version: 0.2\nb e\n")
    sizes = {"hidden_size": width, "intermediate_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
    ends = {"bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 1}
    torch.manual_seed(seed)
    config = transformers.CLIPTextConfig(**sizes, **ends, vocab_size=len(words), max_position_embeddings=40)
    transformers.CLIPTextModel(config).save_pretrained(folder)
    transformers.CLIPTokenizer(str(folder / "vocab.json"), str(folder / "merges.txt")).save_pretrained(folder)
    return folder
