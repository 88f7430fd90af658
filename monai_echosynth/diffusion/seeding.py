"""Seeds that depend on names, not on history: image k is a function of (seed, k) alone.

A seed is the head of SHA-256 over an unambiguous text of the keys, so it is the same on every platform and in every
version. Noise is drawn image by image, in float32 on the generator's device, so that neither the batch an image
travels in nor the type and device of the computation alters it.

torch's CPU generator keeps only the low 32 bits of its seed; hashed seeds would therefore collide once in a few ten
thousand images. ``image_generator`` hashes the study's seed and adds multiples of an odd constant modulo 2**32: up to
2**32 images of one study never share a stream.
"""

from __future__ import annotations

import hashlib
import operator
from collections.abc import Sequence

import torch
from torch import Tensor

from monai_echosynth.errors import EchoSynthError

__all__ = ["Generators", "derive_seed", "image_generator", "normal_noise"]

Generators = torch.Generator | Sequence[torch.Generator]

_ODD_STRIDE = 0x9E3779B1
_WORD = 2**32


def derive_seed(seed: int, *keys: int | str) -> int:
    """Derive an independent seed for a named purpose.

    Args:
        seed: parent seed, any integer.
        *keys: path of the purpose, such as ``"training", epoch, position``; 1 and "1" differ.

    Returns:
        An integer in [0, 2**63), stable across platforms and versions.
    """
    parts = [f"s{len(key)}:{key}" if isinstance(key, str) else f"i{operator.index(key)}" for key in (seed, *keys)]
    digest = hashlib.sha256("|".join(parts).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def image_generator(seed: int, index: int) -> torch.Generator:
    """Make the CPU generator of one image.

    Args:
        seed: seed of the study.
        index: number of the image, >= 0.

    Returns:
        A fresh generator that depends on the two numbers only.
    """
    word = (derive_seed(seed, "image") + operator.index(index) * _ODD_STRIDE) % _WORD
    return torch.Generator().manual_seed(word)


def normal_noise(like: Tensor, generators: Generators | None) -> Tensor:
    """Draw unit normal noise for a batch, each image from its own generator.

    Args:
        like: batch (B, C, ...) that gives shape, type and device.
        generators: one generator per image; a single one serves a batch of one.

    Returns:
        Noise shaped, typed and placed like ``like``; image k is the same in any batch.

    Raises:
        EchoSynthError: where the number of generators is not the number of images.
    """
    sources = [generators] if isinstance(generators, torch.Generator) else list(generators or [])
    if len(sources) != len(like):
        raise EchoSynthError(
            f"noise needs one generator per image ({len(like)}), got {len(sources)}; pass a list of image generators"
        )
    draws = [
        torch.randn(like.shape[1:], generator=source, device=source.device, dtype=torch.float32) for source in sources
    ]
    return torch.stack([draw.to(like.device) for draw in draws]).to(like.dtype)
