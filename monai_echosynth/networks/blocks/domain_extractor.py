"""Feature extractors: a stem for each domain, which sees what the other domain lacks, over a trunk that both share.

The stem of real frames sees morphological filters, that of synthetic frames regularizing ones. Both see where they are in the
picture. The trunk puts both into one space of features at full, half, quarter and eighth resolution.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from itertools import pairwise

import torch
from monai.networks.blocks import Convolution
from torch import Tensor, nn

from monai_echosynth.networks.blocks.morphology import morphological_filters, regularizing_filters

__all__ = ["Domain", "DomainExtractor"]


class Domain(StrEnum):
    """Where a frame comes from."""

    REAL = "real"
    SYNTHETIC = "synthetic"


class DomainExtractor(nn.Module):
    """Stems and trunk.

    Args:
        channels: features at full, half, quarter ... resolution.
        filters: put the morphological and regularizing filters before the stems; both see the plain frame otherwise.
    """

    def __init__(self, channels: Sequence[int] = (16, 32, 48, 64), filters: bool = True) -> None:
        super().__init__()
        self.filters = filters
        inputs = 3 + (3 if filters else 0)
        self.stems = nn.ModuleDict({str(domain): _convolution(inputs, channels[0], 1) for domain in Domain})
        self.trunk = nn.ModuleList()
        for before, after in pairwise(channels):
            self.trunk.append(nn.Sequential(_convolution(before, after, 2), _convolution(after, after, 1)))

    def forward(self, image: Tensor, domain: Domain | str) -> list[Tensor]:
        """Features of frames (B, 1, X, Y) in [0, 1], from fine to coarse: (B, C_l, X / 2^l, Y / 2^l)."""
        seen = [image, _places(image)]
        if self.filters:
            filters = morphological_filters if Domain(domain) is Domain.REAL else regularizing_filters
            seen.append(filters(image))
        found = [self.stems[str(Domain(domain))](torch.cat(seen, dim=1))]
        for stage in self.trunk:
            found.append(stage(found[-1]))
        return found


def _convolution(inputs: int, outputs: int, stride: int) -> Convolution:
    norm = ("GROUP", {"num_groups": 8})
    return Convolution(2, inputs, outputs, strides=stride, kernel_size=3, norm=norm, act="LEAKYRELU", adn_ordering="NA")


def _places(image: Tensor) -> Tensor:
    """Position in the picture, -1 to 1 along both axes: (B, 2, X, Y)."""
    axes = [torch.linspace(-1, 1, side, dtype=image.dtype, device=image.device) for side in image.shape[-2:]]
    return torch.stack(torch.meshgrid(*axes, indexing="ij")).expand(len(image), -1, -1, -1)
