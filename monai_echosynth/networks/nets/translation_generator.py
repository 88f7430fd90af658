"""Generator of the adversarial baseline: a residual network from a frame to a frame, without attention or exemplars.

References:
    Zhu et al., "Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial Networks", ICCV 2017,
    https://arxiv.org/abs/1703.10593
"""

from __future__ import annotations

import torch
from monai.networks.blocks import Convolution, ResidualUnit, UpSample
from torch import Tensor, nn

__all__ = ["TranslationGenerator"]


class TranslationGenerator(nn.Module):
    """Two steps down, residual units, two steps up.

    Args:
        channels: features at full resolution; twice and four times as many below.
        units: residual units at quarter resolution.
    """

    def __init__(self, channels: int = 16, units: int = 4) -> None:
        super().__init__()
        layers: list[nn.Module] = [Convolution(2, 1, channels, kernel_size=5)]
        layers += [Convolution(2, channels << level, channels << (level + 1), strides=2) for level in range(2)]
        layers += [ResidualUnit(2, 4 * channels, 4 * channels, subunits=2) for _ in range(units)]
        for level in (1, 0):
            layers.append(UpSample(2, channels << (level + 1), channels << level, mode="nontrainable"))
            layers.append(Convolution(2, channels << level, channels << level))
        self.layers = nn.Sequential(*layers, Convolution(2, channels, 1, kernel_size=5, conv_only=True))

    def forward(self, image: Tensor, sector: Tensor) -> Tensor:
        """Frame (B, 1, X, Y) in [0, 1] for a frame (B, 1, X, Y) in [0, 1] and its sector; 0 outside it."""
        return torch.sigmoid(self.layers(2.0 * image - 1.0)) * sector
