"""Convolutions in 8 bits on a CPU: weights quantized once, activations on the fly by their range in each call.

PyTorch has the kernel and a module for it, which its own ``quantize_dynamic`` leaves alone because rounding every activation to
one scale a tensor costs accuracy. What it costs is therefore measured before such a decoder is used.

References:
    torch.ao.nn.quantized.dynamic.Conv2d, https://docs.pytorch.org/docs/stable/quantization-support.html
"""

from __future__ import annotations

import warnings

import torch
from torch import nn

from monai_echosynth.errors import EchoSynthError

__all__ = ["int8_convolutions"]

_LEAST_CHANNELS = 8
"""Convolutions of fewer channels in or out stay as they are: they take no time, and the image itself passes through them."""


def int8_convolutions(module: nn.Module) -> int:
    """Replaces the convolutions inside ``module`` in place; returns how many.

    Raises:
        EchoSynthError: this build of PyTorch has no quantized convolutions.
    """
    if torch.backends.quantized.engine in (None, "none"):
        raise EchoSynthError(
            "8-bit convolutions need a quantized engine, got a PyTorch without: leave int8_decoder out"
        )
    try:
        from torch.ao.nn.quantized.dynamic import Conv2d
        from torch.ao.quantization import default_dynamic_qconfig
    except ImportError as error:
        raise EchoSynthError(f"8-bit convolutions need torch.ao ({error}): leave int8_decoder out") from error
    count = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its accuracy is what is measured afterwards
        for parent in list(module.modules()):
            for name, child in list(parent.named_children()):
                if type(child) is nn.Conv2d and min(child.in_channels, child.out_channels) >= _LEAST_CHANNELS:
                    child.qconfig = default_dynamic_qconfig
                    setattr(parent, name, Conv2d.from_float(child))
                    count += 1
    return count
