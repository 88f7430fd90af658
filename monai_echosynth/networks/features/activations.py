"""What every feature network answers, and what is said about it beside each number."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

__all__ = ["Activations", "FeatureNetwork", "pictures"]


class Activations(NamedTuple):
    """What a network sees in a batch of frames.

    Attributes:
        vector: (B, F), one description a frame.
        levels: maps (B, C, x, y) of layers from fine to coarse, first axis lateral; empty where the network shows none.
    """

    vector: Tensor
    levels: tuple[Tensor, ...] = ()


@dataclass(frozen=True)
class FeatureNetwork:
    """A frozen network.

    Attributes:
        name: what it is, for people.
        sha256: digest of its weights.
        standardize: whether features differ in scale, so that a distance must standardize them by the real set first.
        forward: of frames (B, 1, X, Y) in [0, 1].
        published_cmmd: whether its vectors are CLIP's embeddings of unit length, for which CMMD's bandwidth was chosen.
    """

    name: str
    sha256: str
    standardize: bool
    forward: Callable[[Tensor], Activations]
    published_cmmd: bool = False

    def __call__(self, image: Tensor) -> Activations:
        """Activations on the CPU of frames (B, 1, X, Y) in [0, 1], without gradients."""
        with torch.inference_mode():
            found = self.forward(image)
            return Activations(found.vector.float().cpu(), tuple(level.float().cpu() for level in found.levels))


def pictures(
    image: Tensor,
    size: int,
    mean: tuple[float, ...] = (0.5, 0.5, 0.5),
    std: tuple[float, ...] = (0.5, 0.5, 0.5),
) -> Tensor:
    """Frames as networks for photographs want them: rows in depth, square, three channels, normalized.

    Args:
        image: (B, 1, X, Y) in [0, 1].
        size: edge in pixels.
        mean: of the channels.
        std: of the channels.

    Returns:
        (B, 3, size, size).
    """
    square = F.interpolate(image.transpose(-1, -2), (size, size), mode="bilinear", align_corners=False, antialias=True)
    center, spread = (image.new_tensor(values).view(1, 3, 1, 1) for values in (mean, std))
    return (square.expand(-1, 3, -1, -1) - center) / spread
