"""Convolutions whose weights lie as oneDNN's kernels read them: PyTorch otherwise rearranges them in every call on a CPU.

For small maps that takes as long as the convolution itself; with one thread PyTorch does not even ask oneDNN there, but unfolds
the map and multiplies matrices.

References:
    oneDNN, memory format propagation, https://uxlfoundation.github.io/oneDNN/page_memory_format_propagation_cpp.html
"""

from __future__ import annotations

import threading

import torch
from torch import Tensor, nn

from monai_echosynth.errors import EchoSynthError

__all__ = ["PackedConvolution", "pack_convolutions"]


class PackedConvolution(nn.Module):
    """A convolution for inference on a CPU.

    Args:
        layer: trained convolution; its weights are packed on the first call, for the size of map that comes then.
    """

    def __init__(self, layer: nn.Conv2d) -> None:
        super().__init__()
        self.bias = None if layer.bias is None else layer.bias.detach()
        self.shape = ([*layer.padding], [*layer.stride], [*layer.dilation], layer.groups)
        self._weight: Tensor | None = layer.weight.detach()
        self._packed: Tensor | None = None
        self._lock = threading.Lock()

    def forward(self, x: Tensor) -> Tensor:
        """Output (B, C', H', W') for activations (B, C, H, W)."""
        return self.convolve(x, self.bias)

    def convolve(self, x: Tensor, bias: Tensor | None) -> Tensor:
        """:meth:`forward` with another bias."""
        with self._lock:
            if self._weight is not None:
                size = list(x.shape)
                self._packed = torch.ops.mkldnn._reorder_convolution_weight(self._weight, *self.shape, size)
                self._weight = None
        out: Tensor = torch.ops.mkldnn._convolution_pointwise(x, self._packed, bias, *self.shape, "none", [], "")
        return out


def pack_convolutions(module: nn.Module, kind: type[PackedConvolution] = PackedConvolution) -> int:
    """Replaces the convolutions inside ``module`` in place by those of a ``kind``; returns how many.

    Raises:
        EchoSynthError: this build of PyTorch is without oneDNN.
    """
    if not (torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_reorder_convolution_weight")):
        raise EchoSynthError("packed weights need a PyTorch with oneDNN, got one without: leave packed out")
    count = 0
    for parent in list(module.modules()):
        for name, child in list(parent.named_children()):
            if type(child) is nn.Conv2d:
                setattr(parent, name, kind(child))
                count += 1
    return count
