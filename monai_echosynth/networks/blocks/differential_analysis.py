r"""How far a frame is from a bank of real ones, per structure and resolution: what sets the weight of each attention layer.

For a structure s with membership :math:`m_s`, the level l of a Gaussian pyramid :math:`G_l` and of the Laplacian one
:math:`L_l` give the log energies

.. math:: e_{l,s} = \log \frac{\sum m_s |\nabla G_l|}{\sum m_s}, \qquad f_{l,s} = \log \frac{\sum m_s |L_l|}{\sum m_s}

of gradient and spectrum. The discrepancy :math:`z_{l,s}` is the distance to their mean over the bank in standard deviations
between real frames, averaged over both, and the layer of level l works there with the weight

.. math:: w_{l,s} = \pi_l + (1 - \pi_l) \bigl(1 - e^{-z_{l,s}^2 / 8}\bigr)

where the floor :math:`\pi_l` is learned: a structure that looks real already is hardly touched.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from monai_echosynth.networks.blocks.morphology import gaussian_smooth

__all__ = ["DifferentialAnalysis", "Energies", "place_weights"]

EPSILON = 1e-3
"""Energy below which differences do not count, in gray levels of full scale 1."""

SPREAD = 0.15
"""Least standard deviation of a log energy over real frames."""


class Energies(NamedTuple):
    """Log energies of frames.

    Attributes:
        values: (..., L, 2, S), gradient and spectrum of each level and structure.
        presence: (..., S), share of the picture that a structure takes.
    """

    values: Tensor
    presence: Tensor


class DifferentialAnalysis(nn.Module):
    """Weights of attention layers.

    Args:
        levels: number of resolutions, from the full one.
        structures: channels of the membership maps.
        dynamic: set the weights from the discrepancy; all are 1 otherwise.
    """

    spread: Tensor

    def __init__(self, levels: int, structures: int, dynamic: bool = True) -> None:
        super().__init__()
        self.levels, self.dynamic = levels, dynamic
        self.floor = nn.Parameter(torch.full((levels,), -1.0))
        self.register_buffer("spread", torch.full((levels, 2, structures), 0.3))

    def energies(self, image: Tensor, seg: Tensor) -> Energies:
        """Log energies.

        Args:
            image: (B, 1, X, Y) in [0, 1].
            seg: (B, S, X, Y) membership of structures.
        """
        found, level, members = [], image, seg
        for _ in range(self.levels):
            band = (level - gaussian_smooth(level, 1.0)).abs()
            across = F.pad(level[..., 1:, :] - level[..., :-1, :], (0, 0, 0, 1))
            along = F.pad(level[..., 1:] - level[..., :-1], (0, 1))
            size = torch.cat([(across.square() + along.square() + 1e-12).sqrt(), band], dim=1)
            mean = torch.einsum("bcxy,bsxy->bcs", size, members)
            mean = mean / members.sum(dim=(2, 3)).clamp_min(1e-3).unsqueeze(1)
            found.append((mean + EPSILON).log())
            level, members = F.avg_pool2d(level, 2), F.avg_pool2d(members, 2)
        return Energies(torch.stack(found, dim=1), seg.mean(dim=(2, 3)))

    @torch.no_grad()
    def fit(self, bank: Energies) -> None:
        """Take the standard deviations of log energies from real frames, ``values`` (K, L, 2, S)."""
        share = _shares(bank.presence[None], bank.values[None])
        mean = (bank.values[None] * share).sum(dim=1)
        spread = ((bank.values[None] - mean.unsqueeze(1)).square() * share).sum(dim=1).sqrt()
        self.spread.copy_(spread[0].clamp_min(SPREAD))

    def discrepancy(self, frame: Energies, bank: Energies) -> Tensor:
        """Distance of frames (B, ...) to the mean of a bank (G, K, ...), G = 1 or B, in standard deviations: (B, L, S).

        Structures that no frame of the bank shows have none.
        """
        share = _shares(bank.presence, bank.values)
        distance = ((frame.values - (bank.values * share).sum(dim=1)).abs() / self.spread).mean(dim=2)
        return distance * (share.sum(dim=(1, 2, 3)) > 0).to(distance.dtype).unsqueeze(1)

    def forward(self, frame: Energies, bank: Energies) -> Tensor:
        """Weight of each layer and structure, (B, L, S) in [0, 1]."""
        distance = self.discrepancy(frame, bank)
        if not self.dynamic:
            return torch.ones_like(distance)
        floor = self.floor.sigmoid().reshape(1, -1, 1)
        return floor + (1.0 - floor) * (1.0 - (-distance.square() / 8.0).exp())


def _shares(presence: Tensor, values: Tensor) -> Tensor:
    """Weights (G, K, 1, 1, S) that average over the frames of a bank that show a structure."""
    shown = (presence > 1e-3).to(values.dtype)
    return (shown / shown.sum(dim=1, keepdim=True).clamp_min(1.0))[:, :, None, None]


def place_weights(weights: Tensor, seg: Tensor) -> Tensor:
    """Weights of structures (B, S) at the positions of a membership map (B, S, h, w): (B, 1, h, w)."""
    return torch.einsum("bs,bshw->bhw", weights, seg).unsqueeze(1)
