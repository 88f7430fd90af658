r"""Sampling grids: decreasing noise levels that end with 0, one law per diffusion family.

* EDM: :math:`\sigma_i = (\sigma_{max}^{1/\rho} + u_i (\sigma_{min}^{1/\rho} - \sigma_{max}^{1/\rho}))^\rho`
* VE: geometric, :math:`\sigma_i = \sigma_{max} (\sigma_{min} / \sigma_{max})^{u_i}`
* VP: uniform in time, :math:`\sigma_i = \sigma(1 + u_i (t_{min} - 1))`
* iDDPM: evenly spread members of the discrete table

with :math:`u_i = i / (N - 1)` and :math:`\sigma_N = 0` (Karras et al. 2022, table 1). Grids are float64 on the CPU,
so that every device integrates over the same numbers.
"""

from __future__ import annotations

import torch
from torch import Tensor

from monai_echosynth.diffusion.vp_time import VPTime
from monai_echosynth.errors import EchoSynthError

__all__ = ["geometric_sigmas", "karras_sigmas", "table_sigmas", "vp_sigmas"]


def karras_sigmas(steps: int, sigma_min: float = 0.002, sigma_max: float = 80.0, rho: float = 7.0) -> Tensor:
    """Grid uniform in ``sigma^(1/rho)``; large ``rho`` spends more steps at low noise.

    Args:
        steps: number of solver steps N >= 1.
        sigma_min: last level before 0.
        sigma_max: first level; the only one where ``steps`` is 1.
        rho: exponent, > 0.

    Returns:
        Levels (steps + 1,), float64, strictly decreasing, last 0.

    References:
        Karras et al., "Elucidating the Design Space of Diffusion-Based Generative Models", equation 5:
        https://arxiv.org/abs/2206.00364
    """
    _check_range(sigma_min, sigma_max)
    low, high = sigma_min ** (1 / rho), sigma_max ** (1 / rho)
    return _close((high + _unit(steps) * (low - high)) ** rho, sigma_min, sigma_max)


def geometric_sigmas(steps: int, sigma_min: float = 0.02, sigma_max: float = 100.0) -> Tensor:
    """Grid uniform in ``ln sigma`` (VE).

    Args:
        steps: number of solver steps N >= 1.
        sigma_min: last level before 0.
        sigma_max: first level.

    Returns:
        Levels (steps + 1,), float64, strictly decreasing, last 0.
    """
    _check_range(sigma_min, sigma_max)
    return _close(sigma_max * (sigma_min / sigma_max) ** _unit(steps), sigma_min, sigma_max)


def vp_sigmas(steps: int, time: VPTime | None = None, t_min: float = 1e-3) -> Tensor:
    """Grid uniform in the time of the variance-preserving law, from 1 to ``t_min``.

    Args:
        steps: number of solver steps N >= 1.
        time: the law; None stands for ``VPTime()``.
        t_min: last time before 0, in (0, 1).

    Returns:
        Levels (steps + 1,), float64, strictly decreasing, last 0.
    """
    levels = (time or VPTime()).sigma(1 + _unit(steps) * (t_min - 1))
    return torch.cat([levels, levels.new_zeros(1)])


def table_sigmas(steps: int, table: Tensor) -> Tensor:
    """Evenly spread members of a discrete table of levels, from its highest to its lowest (iDDPM).

    Args:
        steps: number of solver steps, 1 to ``len(table)``.
        table: increasing noise levels (T,).

    Returns:
        Levels (steps + 1,), float64, strictly decreasing, last 0.

    Raises:
        EchoSynthError: where ``steps`` exceeds the table's length.
    """
    last = len(table) - 1
    if steps > len(table):
        raise EchoSynthError(
            f"steps must be at most the {len(table)} levels of the table, got {steps}; use fewer steps"
        )
    index = torch.floor(last * (1 - _unit(steps)) + 0.5).long()
    levels = table.to(torch.float64)[index]
    return torch.cat([levels, levels.new_zeros(1)])


def _unit(steps: int) -> Tensor:
    """Numbers ``i / (steps - 1)``, float64 (steps,); just 0 for one step."""
    if steps < 1:
        raise EchoSynthError(f"steps must be at least 1, got {steps}; ask for one step or more")
    return torch.linspace(0, 1, steps, dtype=torch.float64)


def _check_range(sigma_min: float, sigma_max: float) -> None:
    if not 0 < sigma_min < sigma_max:
        raise EchoSynthError(
            f"noise levels must satisfy 0 < sigma_min < sigma_max, got {sigma_min} and {sigma_max}; correct the range"
        )


def _close(levels: Tensor, sigma_min: float, sigma_max: float) -> Tensor:
    """Pin the end points against rounding and append 0."""
    levels[-1] = sigma_min
    levels[0] = sigma_max
    return torch.cat([levels, levels.new_zeros(1)])
