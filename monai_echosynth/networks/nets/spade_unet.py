"""The denoising network: MONAI's SPADE diffusion U-Net with modulation as the SPADE paper defines it.

Encoder and middle are those of MONAI's diffusion U-Net; each residual block of the decoder normalizes with
:class:`~monai_echosynth.networks.blocks.spade.SPADE`. Parameter names are MONAI's, so that state dicts interchange.
"""

from __future__ import annotations

from typing import Any

import torch.nn.functional as F
from monai.networks.blocks.spade_norm import SPADE as MonaiSPADE
from monai.networks.nets import SPADEDiffusionModelUNet
from monai.networks.nets.diffusion_model_unet import get_timestep_embedding
from torch import Tensor, nn

from monai_echosynth.networks.blocks.input_gate import InputGate
from monai_echosynth.networks.blocks.spade import SPADE, SPADEVariant
from monai_echosynth.networks.blocks.spade_cache import SpadeCache

__all__ = ["SPADEUNet"]


class SPADEUNet(SPADEDiffusionModelUNet):
    """MONAI's ``SPADEDiffusionModelUNet`` with its normalization layers replaced.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output.
        patch: side of the square patches that are folded into channels on the way in and unfolded on the way out. The
            network then works on a grid ``patch`` times coarser, at ``patch**2`` times less cost (patch 1: as in MONAI).
        spade_norm_affine: give the normalization inside SPADE its own parameters (as in MONAI). The paper has none.
        spade_variant: how SPADE's scale and shift follow from the mask; ``monai`` with ``spade_norm_affine`` is MONAI's network.
        input_gate: add a share of the input that follows from the noise level, which large patches need where noise is predicted.
        **kwargs: further arguments of ``monai.networks.nets.SPADEDiffusionModelUNet`` (two spatial dimensions).
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        patch: int = 1,
        spade_norm_affine: bool = False,
        spade_variant: SPADEVariant | str = SPADEVariant.PAPER,
        input_gate: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            spatial_dims=2, in_channels=in_channels * patch**2, out_channels=out_channels * patch**2, **kwargs
        )
        self.patch = patch
        self.input_gate = InputGate(self.time_embed[0].out_features) if input_gate else None
        for parent in list(self.modules()):
            for name, child in list(parent.named_children()):
                if isinstance(child, MonaiSPADE):
                    setattr(parent, name, _our_spade(child, spade_norm_affine, spade_variant))

    def forward(  # type: ignore[override]
        self, x: Tensor, timesteps: Tensor, seg: Tensor | SpadeCache, **kwargs: Any
    ) -> Tensor:
        """Network output F, the shape of ``x``.

        Args:
            x: scaled noisy latents (B, C, H, W).
            timesteps: noise level as c_noise (B,), any float.
            seg: mask (B, K, X, Y) at any resolution with values in [0, 1], or a cache that holds it.
            **kwargs: ``context`` or ``class_labels`` where the network has them.
        """
        folded = F.pixel_unshuffle(x, self.patch)
        made = F.pixel_shuffle(super().forward(folded, timesteps, seg, **kwargs), self.patch)  # type: ignore[arg-type]
        if self.input_gate is None:
            return made
        times = self.time_embed(get_timestep_embedding(timesteps, self.block_out_channels[0]).to(x.dtype))
        return made + self.input_gate.passed(x, self.input_gate(F.silu(times)))


def _our_spade(layer: MonaiSPADE, affine: bool, variant: SPADEVariant | str) -> SPADE:
    """Our layer of the same size as MONAI's ``layer``."""
    norm = layer.param_free_norm
    shared = layer.mlp_shared.conv
    if not isinstance(norm, nn.GroupNorm) or not isinstance(shared, nn.Conv2d):
        raise TypeError(f"SPADEUNet needs 2-D group-normalized SPADE layers, got {type(norm).__name__}")
    sizes = (shared.in_channels, norm.num_channels, shared.out_channels, norm.num_groups)
    return SPADE(*sizes, norm.eps, affine, variant)
