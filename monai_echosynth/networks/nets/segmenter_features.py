"""What a segmenter sees in an image: spatial means of the activations of its contracting path.

All levels are taken: the first ones see texture, the last ones anatomy.
"""

from __future__ import annotations

import torch
from monai.networks.nets import DynUNet
from torch import Tensor

__all__ = ["segmenter_features"]


@torch.no_grad()
def segmenter_features(network: DynUNet, image: Tensor) -> Tensor:
    """Features of a batch.

    Args:
        network: the segmenter.
        image: (B, C, X, Y), preprocessed as the segmenter wants it.

    Returns:
        (B, F): means over space, from the input block to the bottleneck, F being the sum of their channels.
    """
    means = []
    for block in (network.input_block, *network.downsamples, network.bottleneck):
        image = block(image)
        means.append(image.flatten(2).mean(dim=2))
    return torch.cat(means, dim=1)
