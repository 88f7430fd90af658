r"""Convolutions in 8 bits on a CPU: weights quantized once, activations on the fly by their range in each call.

PyTorch's ``quantize_dynamic`` leaves convolutions alone, and the module of that name in ``torch.ao`` saturates for activations
that are not centered, as all are after SiLU. Here activations become :math:`q = \mathrm{round}(x / s) + z` in 0..255 with scale
:math:`s` and zero point :math:`z` of their range, weights get a scale for each output channel, and oneDNN's kernel, which
PyTorch's compiler uses for quantized models, multiplies the integers and returns float32.

References:
    B. Jacob et al., "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference", CVPR 2018,
    https://arxiv.org/abs/1712.05877
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from monai_echosynth.errors import EchoSynthError

__all__ = ["Int8Convolution", "int8_convolutions"]

_LEAST_CHANNELS = 8
"""Convolutions of fewer channels in or out stay as they are: they take no time, and the image itself passes through them."""


class Int8Convolution(nn.Module):
    """A convolution in 8 bits.

    Args:
        layer: trained convolution on a CPU.
    """

    def __init__(self, layer: nn.Conv2d) -> None:
        super().__init__()
        weight = layer.weight.detach()
        self.bias = None if layer.bias is None else layer.bias.detach().clone()
        self.scale = (weight.abs().amax((1, 2, 3)) / 127).clamp_min(1e-12)
        self.zero = torch.zeros(len(weight), dtype=torch.int32)
        whole = (weight / self.scale[:, None, None, None]).round().to(torch.int8)
        self.shape = ([*layer.stride], [*layer.padding], [*layer.dilation], layer.groups)
        self.weight = torch.ops.onednn.qconv_prepack(whole, self.scale, 1.0, 1, *self.shape, None)

    def forward(self, x: Tensor) -> Tensor:
        """Output (B, C', H', W') in float32 for activations (B, C, H, W)."""
        low, high = (float(end) for end in x.aminmax())
        low, high = min(low, 0.0), max(high, 1e-12)
        step = (high - low) / 255
        zero = round(-low / step)
        whole = (x / step).add_(zero).round_().clamp_(0, 255).to(torch.uint8)
        weight = (self.weight, self.scale, self.zero, self.bias)
        plain: tuple[Any, ...] = (1.0, 0, torch.float32, "none", [], "")
        out: Tensor = torch.ops.onednn.qconv2d_pointwise(whole, step, zero, *weight, *self.shape, *plain)
        return out


def int8_convolutions(module: nn.Module) -> int:
    """Replaces the convolutions inside ``module`` in place; returns how many.

    Raises:
        EchoSynthError: this build of PyTorch has no such kernel.
    """
    if not hasattr(torch.ops.onednn, "qconv2d_pointwise"):
        raise EchoSynthError("8-bit convolutions need a PyTorch with oneDNN, got one without: leave int8_decoder out")
    count = 0
    for parent in list(module.modules()):
        for name, child in list(parent.named_children()):
            if type(child) is nn.Conv2d and min(child.in_channels, child.out_channels) >= _LEAST_CHANNELS:
                setattr(parent, name, Int8Convolution(child))
                count += 1
    return count
