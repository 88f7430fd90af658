r"""The variance-preserving law between time and noise level.

With :math:`\beta(t) = \beta_{min} + \beta_d t` on :math:`t \in [0, 1]` (Song et al. 2021, appendix C)

.. math::

    \sigma(t)^2 = e^{\beta_d t^2 / 2 + \beta_{min} t} - 1, \qquad
    t(\sigma) = \frac{2 L}{\beta_{min} + \sqrt{\beta_{min}^2 + 2 \beta_d L}}, \quad L = \ln(1 + \sigma^2)

The inverse is written with the sum in the denominator so that nothing cancels at small :math:`\sigma`.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

__all__ = ["VPTime"]


class VPTime(NamedTuple):
    """Map between time in [0, 1] and noise level.

    Attributes:
        beta_d: growth of the diffusion rate over the unit interval, > 0.
        beta_min: diffusion rate at time 0, > 0.

    References:
        Song et al., "Score-Based Generative Modeling through Stochastic Differential Equations":
        https://arxiv.org/abs/2011.13456
    """

    beta_d: float = 19.9
    beta_min: float = 0.1

    def sigma(self, t: Tensor) -> Tensor:
        """Noise level at time ``t`` (any shape)."""
        return torch.expm1(t * (0.5 * self.beta_d * t + self.beta_min)).sqrt()

    def time(self, sigma: Tensor) -> Tensor:
        """Time at noise level ``sigma`` >= 0 (any shape)."""
        log_growth = torch.log1p(sigma.square())
        return 2 * log_growth / (self.beta_min + (self.beta_min**2 + 2 * self.beta_d * log_growth).sqrt())
