r"""Nearest-neighbour upsampling by two and the convolution of 3 x 3 after it, as one transposed convolution of 4 x 4.

After upsampling every pixel is there twice along each axis, so that two of the three weights of a kernel always meet the same
pixel. With kernel :math:`(w_0, w_1, w_2)` along an axis, even pixels of the result are :math:`w_0 x_{i-1} + (w_1 + w_2) x_i`, odd
ones :math:`(w_0 + w_1) x_i + w_2 x_{i+1}`: a transposed convolution of stride 2 with kernel
:math:`(w_2, w_1 + w_2, w_0 + w_1, w_0)`. It takes 4 multiplications where the two layers take 9, and the large map in between is
never written. Zeros around the map are the same in both.

References:
    Shi et al., Is the deconvolution layer the same as a convolutional layer?, https://arxiv.org/abs/1609.07009
"""

from __future__ import annotations

import torch
from monai.networks.blocks import Convolution, Upsample
from torch import Tensor, nn

__all__ = ["MergedUpsampling", "merge_upsampling"]


class MergedUpsampling(nn.Module):
    """The same function as MONAI's ``Upsample`` without training: upsampling to the nearest pixel, then a convolution.

    Args:
        layer: the trained layer; its weights are added up in float64.

    Raises:
        TypeError: it is of another form.
    """

    def __init__(self, layer: Upsample) -> None:
        super().__init__()
        convolution = _after_nearest(layer)
        if convolution is None:
            raise TypeError(f"an upsampling to the nearest pixel and a plain convolution is needed, got {layer}")
        outputs, inputs = convolution.weight.shape[:2]
        self.conv = nn.ConvTranspose2d(inputs, outputs, 4, stride=2, padding=1, bias=convolution.bias is not None)
        along = convolution.weight.new_tensor([[0, 0, 1], [0, 1, 1], [1, 1, 0], [1, 0, 0]], dtype=torch.float64)
        merged = torch.einsum("ai,ocij,bj->coab", along, convolution.weight.detach().double(), along)
        self.conv.weight = nn.Parameter(merged.to(convolution.weight.dtype))
        self.conv.bias = None if convolution.bias is None else nn.Parameter(convolution.bias.detach())
        self.requires_grad_(False)

    def forward(self, x: Tensor, *_: object) -> Tensor:
        """Output (B, C', 2 H, 2 W) for activations (B, C, H, W); the time embedding that MONAI's U-Net hands on is not used."""
        out: Tensor = self.conv(x)
        return out


def merge_upsampling(module: nn.Module) -> int:
    """Replaces the layers inside ``module`` that have this form in place; returns how many."""
    count = 0
    for parent in list(module.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, Upsample) and _after_nearest(child) is not None:
                setattr(parent, name, MergedUpsampling(child))
                count += 1
    return count


def _after_nearest(layer: Upsample) -> nn.Conv2d | None:
    """The convolution of a layer that can be merged."""
    parts = dict(layer.named_children())
    enlarging, after = parts.get("upsample_non_trainable"), parts.get("postconv")
    if set(parts) != {"upsample_non_trainable", "postconv"} or not isinstance(enlarging, nn.Upsample):
        return None
    if enlarging.mode != "nearest" or enlarging.scale_factor not in (2, (2, 2)):
        return None
    convolution = after.conv if isinstance(after, Convolution) and len(after) == 1 else after
    if type(convolution) is not nn.Conv2d or convolution.padding_mode != "zeros":
        return None
    form = (convolution.kernel_size, convolution.stride, convolution.padding, convolution.dilation, convolution.groups)
    return convolution if form == ((3, 3), (1, 1), (1, 1), (1, 1), 1) else None
