r"""Exponential Adams steps: the denoiser's estimates are interpolated by a polynomial, and the ODE is then solved exactly.

In :math:`\lambda = -\ln\sigma` the probability-flow ODE is :math:`dx/d\lambda = D - x`. Over a step of length h

.. math::

    x' = e^{-h} x + \int_0^h e^{\tau - h} D(\tau)\, d\tau \approx e^{-h} x + \sum_j w_j D_j

with :math:`w_j` the integral of the Lagrange polynomial of node :math:`\tau_j`. Nodes in the past give an explicit
(Adams-Bashforth) step, a node at :math:`\tau = h` makes it an implicit (Adams-Moulton) one; n nodes give a local error of order
n + 1. The weights add up to :math:`1 - e^{-h}`, so that a constant estimate is integrated exactly.

With two nodes the integral of :math:`e^{\tau - h} \tau` is replaced by :math:`(h / 2) (1 - e^{-h})`, which is the same up to
:math:`O(h^3)` and keeps long steps from extrapolating far: the rule of DPM-Solver++(2M) and of UniPC at second order.

References:
    Zhao et al., "UniPC: A Unified Predictor-Corrector Framework for Fast Sampling of Diffusion Models":
    https://arxiv.org/abs/2302.04867
    Hochbruck and Ostermann, "Exponential integrators", Acta Numerica 2010:
    https://doi.org/10.1017/S0962492910000048
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from torch import Tensor

__all__ = ["exponential_step", "exponential_weights"]


def exponential_weights(step: float, nodes: Sequence[float]) -> list[float]:
    r"""Weights :math:`w_j` of the estimates at ``nodes``.

    Args:
        step: length h > 0 of the step in :math:`\lambda`.
        nodes: different positions :math:`\tau_j` relative to the start of the step.
    """
    moments = [-math.expm1(-step)]  # of tau^k, by partial integration
    for k in range(1, len(nodes)):
        moments.append(step**k - k * moments[-1])
    if len(nodes) == 2:
        moments[1] = 0.5 * step * moments[0]
    weights = []
    for j, node in enumerate(nodes):
        polynomial = [1.0]  # coefficients of tau^0, tau^1, ... of the Lagrange polynomial
        for other in (*nodes[:j], *nodes[j + 1 :]):
            shifted = [0.0, *polynomial]
            polynomial = [
                (up - other * own) / (node - other) for up, own in zip(shifted, [*polynomial, 0.0], strict=True)
            ]
        weights.append(sum(c * moment for c, moment in zip(polynomial, moments, strict=True)))
    return weights


def exponential_step(x: Tensor, step: float, nodes: Sequence[float], estimates: Sequence[Tensor]) -> Tensor:
    r"""State at the end of a step of length ``step`` in :math:`\lambda` from ``x``, with ``estimates`` at ``nodes``."""
    result = math.exp(-step) * x
    for weight, estimate in zip(exponential_weights(step, nodes), estimates, strict=True):
        result = result + weight * estimate
    return result
