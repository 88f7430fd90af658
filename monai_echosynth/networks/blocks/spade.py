r"""Spatially adaptive normalization: the activations are normalized without parameters and then modulated by the mask.

.. math:: h' = (1 + \gamma(m))\,\mathrm{GroupNorm}(h) + \beta(m)

with :math:`\gamma, \beta` produced by a two-layer convolution from the mask (eq. 12 of the efficient semantic diffusion
paper). MONAI's block of the same name puts an instance norm on :math:`\gamma` and :math:`\beta`, which erases them wherever
the mask is constant; here they are plain convolutions. Parameter names agree with MONAI's, so that state dicts interchange;
the variant ``monai`` also computes what MONAI's block does, for weights that were trained with it.

References:
    T. Park et al., "Semantic Image Synthesis with Spatially-Adaptive Normalization", CVPR 2019,
    https://arxiv.org/abs/1903.07291
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

import torch.nn.functional as F
from monai.networks.blocks import Convolution
from torch import Tensor, nn

from monai_echosynth.data.area_pool import area_pool
from monai_echosynth.networks.blocks.spade_cache import SpadeCache

__all__ = ["SPADE", "SPADEVariant"]


class SPADEVariant(StrEnum):
    """How scale and shift follow from the mask.

    ``paper``: plain convolutions, the mask averaged over the area of a feature pixel. ``monai``: scale and shift are
    instance-normalized and the mask is sampled at the nearest pixel, as in MONAI and monai-generative.
    """

    PAPER = "paper"
    MONAI = "monai"


class SPADE(nn.Module):
    """Group normalization whose scale and shift are maps computed from a semantic mask.

    Args:
        label_nc: number of semantic channels K of the mask.
        norm_nc: number of channels C of the normalized activations.
        hidden_channels: channels of the layer shared by scale and shift.
        num_groups: groups of the group normalization.
        eps: epsilon of the group normalization.
        affine: give the normalization its own scale and shift too, as MONAI's diffusion U-Net does. Off in the paper.
        variant: how scale and shift follow from the mask.
    """

    def __init__(
        self,
        label_nc: int,
        norm_nc: int,
        hidden_channels: int = 128,
        num_groups: int = 32,
        eps: float = 1e-6,
        affine: bool = False,
        variant: SPADEVariant | str = SPADEVariant.PAPER,
    ) -> None:
        super().__init__()
        self.variant = SPADEVariant(variant)
        plain = self.variant is SPADEVariant.PAPER
        self.param_free_norm = nn.GroupNorm(num_groups, norm_nc, eps=eps, affine=affine)
        self.mlp_shared = Convolution(2, label_nc, hidden_channels, kernel_size=3, norm=None, act="LEAKYRELU")
        self.mlp_gamma = Convolution(2, hidden_channels, norm_nc, kernel_size=3, act=None, conv_only=plain)
        self.mlp_beta = Convolution(2, hidden_channels, norm_nc, kernel_size=3, act=None, conv_only=plain)

    def modulation(self, seg: Tensor, size: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Scale ``1 + gamma`` and shift ``beta``, both (B, C, *size), of a mask (B, K, X, Y).

        By the paper's variant the mask is averaged over the area of each feature pixel, so that a border keeps its sub-pixel
        position.
        """
        paper = self.variant is SPADEVariant.PAPER
        hidden = self.mlp_shared(area_pool(seg, size) if paper else F.interpolate(seg, tuple(size), mode="nearest"))
        return 1 + self.mlp_gamma(hidden), self.mlp_beta(hidden)

    def forward(self, x: Tensor, segmap: Tensor | SpadeCache) -> Tensor:
        """Normalize and modulate activations.

        Args:
            x: activations (B, C, H, W).
            segmap: mask (B, K, X, Y) with values in [0, 1], or a cache that holds it.
        """
        size = x.shape[2:]
        if isinstance(segmap, SpadeCache):
            scale, shift = segmap.maps(self, size, self.modulation)
        else:
            scale, shift = self.modulation(segmap, size)
        return self.param_free_norm(x) * scale + shift
