"""A small convolutional network that tells two sets of frames apart by their texture.

Four strided convolutions see 31 pixels and are averaged over the frame: what the network can use is the texture of
neighborhoods, hardly the anatomy. Norms are over the batch: those of a single frame fix the mean activations that are averaged
at the end, and with them most of what texture is.
"""

from __future__ import annotations

from monai.networks.blocks import Convolution
from torch import nn

__all__ = ["domain_classifier"]

_CHANNELS = (16, 32, 48, 64)


def domain_classifier() -> nn.Sequential:
    """The network: (B, 1, X, Y) to logits (B,), positive for the second set; 47 thousand parameters."""
    sizes = zip((1, *_CHANNELS), _CHANNELS, strict=False)
    blocks = [
        Convolution(2, before, after, strides=2, kernel_size=3, act="leakyrelu", norm="batch")
        for before, after in sizes
    ]
    return nn.Sequential(*blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(_CHANNELS[-1], 1), nn.Flatten(0))
