r"""The generator of the SPADE-GAN baseline: MONAI's ``SPADENet`` with modulation as the SPADE paper defines it.

A style code z and a label map become a frame; the encoder maps a frame to the law of z, so that a normal z stands for the styles
of the training frames. Three things differ from ``SPADENet`` as it comes:

* Its SPADE layers put an instance norm on scale and shift, which erases them where the map is constant; that norm is taken out.
* It squeezes its features to the image's one channel at half resolution. Here they stay features up to full resolution, where a
  last SPADE block and a convolution draw the frame.
* Pixels outside the sector are exactly 0.

References:
    Park et al., "Semantic Image Synthesis with Spatially-Adaptive Normalization", CVPR 2019, https://arxiv.org/abs/1903.07291
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from monai.networks.blocks import Convolution
from monai.networks.blocks.spade_norm import SPADE
from monai.networks.nets import SPADENet
from monai.networks.nets.spade_network import SPADENetResBlock
from torch import Tensor, nn

from monai_echosynth.errors import EchoSynthError

__all__ = ["SpadeGenerator"]

_NORM = ("BATCH", {"affine": False})


class SpadeGenerator(nn.Module):
    """Style and label map to a frame.

    Args:
        spatial_size: side of the frames, a multiple of ``2 ** len(channels)``.
        channels: channels of the encoder's levels, each half as large as the one before; the decoder has them in reverse.
        style: length of the style code.
        classes: channels K of the label map.
        features: channels at full resolution.
        hidden: channels of SPADE's hidden layers.
    """

    def __init__(
        self,
        spatial_size: int = 128,
        channels: Sequence[int] = (24, 48, 64, 96, 96),
        style: int = 64,
        classes: int = 5,
        features: int = 16,
        hidden: int = 32,
    ) -> None:
        super().__init__()
        if spatial_size % 2 ** len(channels):
            raise EchoSynthError(
                f"frames of this SPADE-GAN must have a side that {2 ** len(channels)} divides, got {spatial_size}: "
                "prepare them at such a size"
            )
        self.style = style
        self.network = SPADENet(
            spatial_dims=2,
            in_channels=1,
            out_channels=features,
            label_nc=classes,
            input_shape=[spatial_size] * 2,
            channels=[*channels],  # MONAI reverses and extends the list
            z_dim=style,
            spade_intermediate_channels=hidden,
            norm=_NORM,
        )
        self.last = SPADENetResBlock(2, features, features, classes, hidden, norm=_NORM)
        self.head = Convolution(2, features, 1, kernel_size=3, conv_only=True)
        for layer in self.modules():
            if isinstance(layer, SPADE):
                del layer.mlp_gamma.adn, layer.mlp_beta.adn

    def forward(self, seg: Tensor, noise: Tensor | None = None) -> Tensor:
        """Frames (B, 1, X, Y) in [0, 1], 0 outside the sector.

        Args:
            seg: one-hot map (B, K, X, Y) with channel 0 outside the sector.
            noise: style code (B, S), unit normal; the mean style when omitted.
        """
        code = seg.new_zeros(len(seg), self.style) if noise is None else noise
        features = self.last(self.network.decode(seg, code), seg)
        image = torch.sigmoid(self.head(F.leaky_relu(features, 0.2)))
        return image * (seg[:, :1] < 0.5).to(image.dtype)

    def encode(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance (B, S) of the style of frames (B, 1, X, Y)."""
        mean, log_variance = self.network.encoder(image)
        return mean, log_variance
