"""Arms of the adaptation study: which sets each segmenter trains on."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["ARM_TITLES", "TEE_ARMS"]

TEE_ARMS: Mapping[str, tuple[str, ...]] = {
    "real": ("few",),
    "affine": ("few",),
    "synthetic": ("generate", "generate_shapes"),
    "mixed": ("few", "generate", "generate_shapes"),
}
"""Arm to the stages whose frames it trains on; *affine* has the frames of *real* and a stronger augmentation."""

ARM_TITLES = {
    "real": "Real frames",
    "affine": "Real frames, strong affine augmentation",
    "synthetic": "Synthetic frames only",
    "mixed": "Real and synthetic frames",
}
