"""What a segmenter sees in an image: spatial means of the activations of its contracting path.

All levels are taken: the first ones see texture, the last ones anatomy.
"""

from __future__ import annotations

import torch
from monai.networks.nets import DynUNet
from torch import Tensor

__all__ = ["segmenter_features", "segmenter_levels"]


@torch.no_grad()
def segmenter_features(network: DynUNet, image: Tensor) -> Tensor:
    """Features of a batch.

    Args:
        network: the segmenter.
        image: (B, C, X, Y), preprocessed as the segmenter wants it.

    Returns:
        (B, F): means over space, from the input block to the bottleneck, F being the sum of their channels.
    """
    return torch.cat([level.flatten(2).mean(dim=2) for level in segmenter_levels(network, image)], dim=1)


@torch.no_grad()
def segmenter_levels(network: DynUNet, image: Tensor) -> tuple[Tensor, ...]:
    """Activations (B, C_l, x_l, y_l) of the contracting path, from the input block to the bottleneck."""
    levels = []
    for block in (network.input_block, *network.downsamples, network.bottleneck):
        image = block(image)
        levels.append(image)
    return tuple(levels)
