r"""Inverted residual blocks of EfficientNetV2: widen, convolve, narrow, and add the input where shapes allow.

``FusedMBConv`` widens with a full 3 x 3 convolution, ``MBConv`` with a 1 x 1 convolution followed by a depthwise 3 x 3 one and
squeeze-and-excitation, in which each channel is scaled by a gate in (0, 1) that sees the mean of all channels. The first is
faster at high resolution, the second needs fewer parameters. In training the residual of each image is dropped with a
probability :math:`p` and scaled by :math:`1 / (1 - p)` otherwise (stochastic depth).

Parameter names are those of torchvision, so that its weights load.

References:
    M. Tan, Q. V. Le, "EfficientNetV2: Smaller Models and Faster Training", ICML 2021, https://arxiv.org/abs/2104.00298
    G. Huang et al., "Deep Networks with Stochastic Depth", ECCV 2016, https://arxiv.org/abs/1603.09382
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["FusedMBConv", "MBConv", "SqueezeExcitation", "conv_norm_act", "drop_residual"]

NORM_EPS = 1e-3
"""Epsilon of the batch norms: that of the published weights."""


def conv_norm_act(
    in_channels: int, out_channels: int, kernel_size: int = 3, stride: int = 1, groups: int = 1, activate: bool = True
) -> nn.Sequential:
    """Convolution without bias, batch norm and, if ``activate``, SiLU."""
    padding = (kernel_size - 1) // 2
    layers: list[nn.Module] = [
        nn.Conv2d(in_channels, out_channels, kernel_size, stride, padding, groups=groups, bias=False),
        nn.BatchNorm2d(out_channels, eps=NORM_EPS),
    ]
    return nn.Sequential(*layers, *([nn.SiLU(inplace=True)] if activate else []))


def drop_residual(residual: Tensor, probability: float) -> Tensor:
    """Residuals (B, C, H, W), each image's set to zero with ``probability`` and scaled so that the mean stays.

    The draw comes from torch's global generator, as that of dropout.
    """
    if probability == 0.0:
        return residual
    keep = 1.0 - probability
    gate = torch.empty((len(residual), 1, 1, 1), dtype=residual.dtype, device=residual.device).bernoulli_(keep)
    return residual * gate.div_(keep)


class SqueezeExcitation(nn.Module):
    """Scales each channel by a gate computed from the means of all channels.

    Args:
        channels: channels of the activations.
        squeezed: channels between the two layers of the gate.
    """

    def __init__(self, channels: int, squeezed: int) -> None:
        super().__init__()
        self.fc1 = nn.Conv2d(channels, squeezed, 1)
        self.fc2 = nn.Conv2d(squeezed, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Activations (B, C, H, W), scaled."""
        means = x.mean((2, 3), keepdim=True)
        return x * torch.sigmoid(self.fc2(nn.functional.silu(self.fc1(means))))


class _Inverted(nn.Module):
    """The residual part that both kinds share; ``layers`` is what they differ in."""

    def __init__(self, layers: list[nn.Module], shortcut: bool, drop: float) -> None:
        super().__init__()
        self.block = nn.Sequential(*layers)
        self.shortcut, self.drop = shortcut, drop

    def forward(self, x: Tensor) -> Tensor:
        """Activations (B, C, H, W) to (B, C', H / stride, W / stride)."""
        residual = self.block(x)
        if not self.shortcut:
            return residual
        return x + drop_residual(residual, self.drop if self.training else 0.0)


class FusedMBConv(_Inverted):
    """Widening 3 x 3 convolution and 1 x 1 convolution back; one 3 x 3 convolution where nothing is widened.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output.
        expanded: channels in between.
        stride: of the 3 x 3 convolution.
        drop: probability of stochastic depth.
    """

    def __init__(self, in_channels: int, out_channels: int, expanded: int, stride: int = 1, drop: float = 0.0) -> None:
        if expanded == in_channels:
            layers: list[nn.Module] = [conv_norm_act(in_channels, out_channels, stride=stride)]
        else:
            layers = [
                conv_norm_act(in_channels, expanded, stride=stride),
                conv_norm_act(expanded, out_channels, kernel_size=1, activate=False),
            ]
        super().__init__(layers, stride == 1 and in_channels == out_channels, drop)


class MBConv(_Inverted):
    """Widening 1 x 1 convolution, depthwise 3 x 3 convolution, squeeze-and-excitation and 1 x 1 convolution back.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output.
        expanded: channels in between.
        stride: of the depthwise convolution.
        drop: probability of stochastic depth.
    """

    def __init__(self, in_channels: int, out_channels: int, expanded: int, stride: int = 1, drop: float = 0.0) -> None:
        layers: list[nn.Module] = [
            *([conv_norm_act(in_channels, expanded, kernel_size=1)] if expanded != in_channels else []),
            conv_norm_act(expanded, expanded, stride=stride, groups=expanded),
            SqueezeExcitation(expanded, max(1, in_channels // 4)),
            conv_norm_act(expanded, out_channels, kernel_size=1, activate=False),
        ]
        super().__init__(layers, stride == 1 and in_channels == out_channels, drop)
