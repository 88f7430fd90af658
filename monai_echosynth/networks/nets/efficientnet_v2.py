"""EfficientNetV2-S, the classification network of the efficient semantic diffusion paper, and smaller ones of its shape.

Three stages of fused blocks, three of depthwise ones, a 1 x 1 convolution, the mean over the image and one linear layer. Of the
full size with three input channels and 1000 classes it has the parameters of torchvision's ``efficientnet_v2_s``, name by name
(21,458,488 values): weights trained there load. Width and depth multipliers make networks for a CPU, with channels in
multiples of eight.

References:
    M. Tan, Q. V. Le, "EfficientNetV2: Smaller Models and Faster Training", ICML 2021, https://arxiv.org/abs/2104.00298
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

from monai_echosynth.errors import EchoSynthError
from monai_echosynth.networks.blocks.mbconv import FusedMBConv, MBConv, conv_norm_act

__all__ = ["EfficientNetV2"]


class _Stage(NamedTuple):
    block: type[FusedMBConv] | type[MBConv]
    expansion: int
    stride: int
    channels: int
    depth: int


_STEM, _HEAD = 24, 1280
_STAGES = (
    _Stage(FusedMBConv, 1, 1, 24, 2),
    _Stage(FusedMBConv, 4, 2, 48, 4),
    _Stage(FusedMBConv, 4, 2, 64, 4),
    _Stage(MBConv, 4, 2, 128, 6),
    _Stage(MBConv, 6, 1, 160, 9),
    _Stage(MBConv, 6, 2, 256, 15),
)


class EfficientNetV2(nn.Module):
    """EfficientNetV2-S and networks of its shape.

    Args:
        in_channels: channels of the image.
        classes: number of classes K.
        width: multiple of the channels of every layer, 1 for the published size.
        depth: multiple of the number of blocks of every stage, rounded up.
        dropout: probability of dropout before the last layer.
        stochastic_depth: probability with which the last block drops its residual in training; rises linearly from 0.

    Raises:
        EchoSynthError: there is no class or channel, a multiple is not positive, or a probability is not in [0, 1).
    """

    def __init__(
        self,
        in_channels: int = 1,
        classes: int = 2,
        width: float = 1.0,
        depth: float = 1.0,
        dropout: float = 0.2,
        stochastic_depth: float = 0.2,
    ) -> None:
        super().__init__()
        if in_channels < 1 or classes < 1 or min(width, depth) <= 0:
            raise EchoSynthError(
                "EfficientNetV2 needs at least one channel and class and positive multiples, got "
                f"in_channels={in_channels}, classes={classes}, width={width}, depth={depth}: correct the network definition"
            )
        if not (0 <= dropout < 1 and 0 <= stochastic_depth < 1):
            raise EchoSynthError(
                f"EfficientNetV2 needs probabilities from 0 to below 1, got dropout={dropout}, "
                f"stochastic_depth={stochastic_depth}: correct the network definition"
            )
        channels = _multiple_of_eight(_STEM * width)
        depths = [math.ceil(stage.depth * depth) for stage in _STAGES]
        total, number = sum(depths), 0
        layers: list[nn.Module] = [conv_norm_act(in_channels, channels, stride=2)]
        for stage, count in zip(_STAGES, depths, strict=True):
            blocks: list[nn.Module] = []
            for i in range(count):
                out = _multiple_of_eight(stage.channels * width)
                expanded = _multiple_of_eight(channels * stage.expansion)
                drop = stochastic_depth * number / total
                blocks.append(stage.block(channels, out, expanded, stage.stride if i == 0 else 1, drop))
                channels, number = out, number + 1
            layers.append(nn.Sequential(*blocks))
        features = _multiple_of_eight(_HEAD * min(width, 1.0))
        self.features = nn.Sequential(*layers, conv_norm_act(channels, features, kernel_size=1))
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(nn.Dropout(dropout, inplace=True), nn.Linear(features, classes))
        self.apply(_initialize)

    def forward(self, x: Tensor) -> Tensor:
        """Images (B, C, X, Y) to logits (B, K); X and Y of at least 32 pixels are sensible."""
        return self.classifier(torch.flatten(self.avgpool(self.features(x)), 1))


def _multiple_of_eight(channels: float) -> int:
    """The nearest multiple of eight, at least 8 and not below nine tenths of ``channels``."""
    rounded = max(8, int(channels + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * channels else rounded


def _initialize(layer: nn.Module) -> None:
    """Fan-out normal convolutions, unit batch norms, and a small uniform last layer."""
    if isinstance(layer, nn.Conv2d):
        nn.init.kaiming_normal_(layer.weight, mode="fan_out")
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
    elif isinstance(layer, nn.Linear):
        bound = 1.0 / math.sqrt(layer.in_features)  # by the outputs, as published, two classes start far too sure
        nn.init.uniform_(layer.weight, -bound, bound)
        nn.init.zeros_(layer.bias)
