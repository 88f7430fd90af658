r"""Blocks of MONAI's diffusion U-Net and decoder, rearranged for sampling: the same function with fewer passes over memory.

- The noise level enters a residual block as a bias of its first convolution: what the block adds to every pixel,
  :math:`W_t\,\mathrm{SiLU}(e) + b_t + b_1`, is computed outside, for all blocks and all noise levels in one product.
- SPADE's maps come from outside too; scale and shift are one fused multiply-add, and activations are overwritten.
- Query, key and value of an attention are one product; attention itself is torch's fused kernel.

Every block takes over the layers of the one it replaces and is called as that one was.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from monai.networks.blocks import SpatialAttentionBlock
from monai.networks.nets.autoencoderkl import AEKLResBlock
from monai.networks.nets.diffusion_model_unet import DiffusionUNetResnetBlock
from monai.networks.nets.spade_diffusion_model_unet import SPADEDiffResBlock
from torch import Tensor, nn

from monai_echosynth.networks.blocks.packed_convolution import PackedConvolution
from monai_echosynth.networks.blocks.spade import SPADE

__all__ = ["Maps", "SamplingAttention", "SamplingDecoderBlock", "SamplingResBlock", "plain_convolution"]

Maps = tuple[Tensor, ...]
"""Scale and shift (B or 1, C, H, W) of each SPADE layer of a network, in turns."""


class SamplingResBlock(nn.Module):
    """A residual block of the U-Net whose time embedding and mask were evaluated before.

    Args:
        block: the block with trained weights.
        start: where this block's share of the time vector begins; it is ``block.out_channels`` long.
        layer: number of its first SPADE layer, for a block of the decoder.
    """

    def __init__(self, block: DiffusionUNetResnetBlock | SPADEDiffResBlock, start: int, layer: int | None) -> None:
        super().__init__()
        self.norm1, self.norm2 = (_group_norm(norm) for norm in (block.norm1, block.norm2))
        self.conv1: nn.Module = plain_convolution(block.conv1)
        self.conv2: nn.Module = plain_convolution(block.conv2)
        self.resample = block.upsample or block.downsample
        identity = isinstance(block.skip_connection, nn.Identity)
        self.skip = None if identity else plain_convolution(block.skip_connection)
        self.start, self.stop, self.layer = start, start + block.out_channels, layer

    def forward(self, x: Tensor, times: Tensor, maps: Maps = ()) -> Tensor:
        """Output of the block.

        Args:
            x: activations (B, C, H, W).
            times: time vectors (1, T) for all images or (B, T), the bias of the first convolution included.
            maps: SPADE's maps.
        """
        h = self._activated(x, self.norm1, maps, 0)
        if self.resample is not None:
            x, h = self.resample(x), self.resample(h)
        bias = times[:, self.start : self.stop]
        if len(times) == 1:
            h = _convolved(self.conv1, h, bias[0])
        else:
            h = _convolved(self.conv1, h, None).add_(bias[:, :, None, None])
        h = self.conv2(self._activated(h, self.norm2, maps, 1))
        return h.add_(x if self.skip is None else self.skip(x))

    def _activated(self, x: Tensor, norm: nn.GroupNorm, maps: Maps, place: int) -> Tensor:
        if self.layer is None:
            return F.silu(norm(x), inplace=True)
        scale, shift = maps[2 * (self.layer + place) : 2 * (self.layer + place) + 2]
        return F.silu(torch.addcmul(shift, norm(x), scale), inplace=True)


class SamplingAttention(nn.Module):
    """Self-attention over the pixels of a map with one product for query, key and value.

    Args:
        block: the block with trained weights.
    """

    def __init__(self, block: SpatialAttentionBlock) -> None:
        super().__init__()
        attention = block.attn
        self.norm, self.out, self.heads, self.scale = (
            block.norm,
            attention.out_proj,
            attention.num_heads,
            attention.scale,
        )
        parts = [attention.to_q, attention.to_k, attention.to_v]
        if attention.use_combined_linear or any(type(part) is not nn.Linear for part in parts):
            raise TypeError("attention needs three plain linear layers for query, key and value")
        self.weight = nn.Parameter(torch.cat([part.weight.detach() for part in parts]), requires_grad=False)
        biases = [torch.zeros(len(part.weight)) if part.bias is None else part.bias.detach() for part in parts]
        self.bias = nn.Parameter(torch.cat(biases), requires_grad=False)

    def forward(self, x: Tensor) -> Tensor:
        """Output of the block for activations (B, C, H, W)."""
        batch, channels, height, width = x.shape
        tokens = self.norm(x).permute(0, 2, 3, 1).reshape(batch, height * width, channels)
        joint = F.linear(tokens, self.weight, self.bias).view(batch, height * width, 3, self.heads, -1)
        query, key, value = joint.permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(query, key, value, scale=self.scale)
        tokens = self.out(mixed.transpose(1, 2).reshape(batch, height * width, -1))
        return x + tokens.view(batch, height, width, channels).permute(0, 3, 1, 2)


class SamplingDecoderBlock(nn.Module):
    """A residual block of an autoencoder that overwrites its activations.

    Args:
        block: the block with trained weights.
    """

    def __init__(self, block: AEKLResBlock) -> None:
        super().__init__()
        self.norm1, self.norm2, self.conv1, self.conv2 = block.norm1, block.norm2, block.conv1, block.conv2
        self.shortcut = block.nin_shortcut

    def forward(self, x: Tensor) -> Tensor:
        """Output of the block for activations (B, C, H, W)."""
        h = self.conv1(F.silu(self.norm1(x), inplace=True))
        h = self.conv2(F.silu(self.norm2(h), inplace=True))
        return h.add_(self.shortcut(x))


def plain_convolution(layer: nn.Module) -> nn.Conv2d:
    """The convolution inside MONAI's ``Convolution``.

    Raises:
        TypeError: it is none, such as one with a low-rank adapter, whose weight alone is not the whole layer.
    """
    convolution = getattr(layer, "conv", layer)
    if type(convolution) is not nn.Conv2d:
        raise TypeError(f"a plain convolution is needed, got {type(convolution).__name__}")
    return convolution


def _convolved(layer: nn.Module, x: Tensor, bias: Tensor | None) -> Tensor:
    """A convolution of 3 x 3 with another bias than its own."""
    if isinstance(layer, PackedConvolution):
        return layer.convolve(x, bias)
    return F.conv2d(x, layer.weight, bias, padding=1)  # type: ignore[arg-type]


def _group_norm(norm: nn.Module) -> nn.GroupNorm:
    inner = norm.param_free_norm if isinstance(norm, SPADE) else norm
    if type(inner) is not nn.GroupNorm:
        raise TypeError(f"a group normalization is needed, got {type(inner).__name__}")
    return inner
