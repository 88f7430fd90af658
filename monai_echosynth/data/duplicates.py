"""Frames with identical pixels: found by hash and kept on one side of every split."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["find_duplicates", "pixel_hash"]


def pixel_hash(image: NDArray[Any]) -> str:
    """SHA-256 of shape, type and pixels, independent of file format, name and header."""
    digest = hashlib.sha256(f"{image.shape}{image.dtype.str}".encode())
    digest.update(np.ascontiguousarray(image).tobytes())
    return digest.hexdigest()


def find_duplicates(hashes: Mapping[str, str]) -> list[tuple[str, str]]:
    """Pairs of ids with equal hashes: the first id of each group with every other one, sorted.

    Args:
        hashes: hash by frame id.
    """
    first: dict[str, str] = {}
    pairs = []
    for frame in sorted(hashes):
        original = first.setdefault(hashes[frame], frame)
        if original != frame:
            pairs.append((original, frame))
    return pairs
