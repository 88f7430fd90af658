r"""Pairs of noise levels for consistency tuning: how far apart the two are, from a diffusion model to a consistency model.

A student f is tuned so that its estimates at two levels :math:`r < t` of one noise ray agree. With r = 0 the other estimate is
the image itself, which is the training of a diffusion model; a consistency model is the limit :math:`r \to t`. Tuning walks from
the one to the other:

.. math::

    \frac{r}{t} = \max\left(0, 1 - \frac{n(t)}{q^a}\right), \qquad n(t) = 1 + k\, \mathrm{sigmoid}(-b t), \qquad
    a = 1 + \lfloor S u \rfloor

in S stages of the progress u in [0, 1). Small levels keep r = 0 longer: there the estimate is nearly the image anyway. The
boundary condition f(x, 0) = x is that of EDM's coefficients; r below ``sigma_min`` counts as 0.

References:
    Geng et al., "Consistency Models Made Easy": https://arxiv.org/abs/2406.14548
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from monai_echosynth.errors import EchoSynthError

__all__ = ["ConsistencySchedule"]


@dataclass(frozen=True)
class ConsistencySchedule:
    """The levels r that go with levels t.

    Attributes:
        stages: number of stages S; in the last one the gap between the levels is ``n(t) / shrink**stages`` of t.
        shrink: q > 1, by which a stage narrows the gap.
        widening: k >= 0, how much wider the gap is at low levels.
        slope: b, how fast the widening falls with the level, for data of standard deviation 0.5.
        sigma_min: levels below it count as 0.
    """

    stages: int = 8
    shrink: float = 2.0
    widening: float = 8.0
    slope: float = 1.0
    sigma_min: float = 0.002

    def __post_init__(self) -> None:
        """Reject a schedule that does not narrow the gap."""
        if self.stages < 1 or not self.shrink > 1 or self.widening < 0:
            raise EchoSynthError(
                "a consistency schedule needs stages >= 1, shrink > 1 and widening >= 0, got "
                f"{self.stages}, {self.shrink} and {self.widening}: correct them"
            )

    def earlier(self, sigma: Tensor, progress: float) -> Tensor:
        """Level r of each level t.

        Args:
            sigma: levels t > 0 of any shape.
            progress: share of the training that is done, in [0, 1].

        Returns:
            Levels in [0, t), shaped and typed like ``sigma``; 0 stands for the image itself.
        """
        stage = 1 + min(int(self.stages * progress), self.stages - 1)
        gap = (1 + self.widening * torch.sigmoid(-self.slope * sigma)) / self.shrink**stage
        level = sigma * (1 - gap)
        return torch.where(level < self.sigma_min, torch.zeros_like(sigma), level)
