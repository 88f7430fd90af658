"""The denoising network: MONAI's SPADE diffusion U-Net with modulation as the SPADE paper defines it.

Encoder and middle are those of MONAI's diffusion U-Net; each residual block of the decoder normalizes with
:class:`~monai_echosynth.networks.blocks.spade.SPADE`. Parameter names are MONAI's, so that state dicts interchange.
"""

from __future__ import annotations

from typing import Any

from monai.networks.blocks.spade_norm import SPADE as MonaiSPADE
from monai.networks.nets import SPADEDiffusionModelUNet
from torch import nn

from monai_echosynth.networks.blocks.spade import SPADE

__all__ = ["SPADEUNet"]


class SPADEUNet(SPADEDiffusionModelUNet):
    """MONAI's ``SPADEDiffusionModelUNet`` with its normalization layers replaced; forward is inherited unchanged.

    ``forward(x, timesteps, seg, context=None, class_labels=None)``: ``x`` (B, C, H, W) scaled by c_in; ``timesteps`` (B,)
    float, the noise level as c_noise; ``seg`` (B, K, X, Y) at any resolution with values in [0, 1], or a
    :class:`~monai_echosynth.networks.blocks.spade_cache.SpadeCache`. Returns (B, C_out, H, W).

    Args:
        spade_norm_affine: give the normalization inside SPADE its own parameters (as in MONAI). The paper has none.
        **kwargs: the arguments of ``monai.networks.nets.SPADEDiffusionModelUNet`` (two spatial dimensions).
    """

    def __init__(self, spade_norm_affine: bool = False, **kwargs: Any) -> None:
        super().__init__(spatial_dims=2, **kwargs)
        for parent in list(self.modules()):
            for name, child in list(parent.named_children()):
                if isinstance(child, MonaiSPADE):
                    setattr(parent, name, _paper_spade(child, spade_norm_affine))


def _paper_spade(layer: MonaiSPADE, affine: bool) -> SPADE:
    """The layer of the paper, of the same size as MONAI's ``layer``."""
    norm = layer.param_free_norm
    shared = layer.mlp_shared.conv
    if not isinstance(norm, nn.GroupNorm) or not isinstance(shared, nn.Conv2d):
        raise TypeError(f"SPADEUNet needs 2-D group-normalized SPADE layers, got {type(norm).__name__}")
    return SPADE(shared.in_channels, norm.num_channels, shared.out_channels, norm.num_groups, norm.eps, affine)
