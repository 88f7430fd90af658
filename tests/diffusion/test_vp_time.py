"""Time and noise level of the variance-preserving law are inverse to each other."""

from __future__ import annotations

import math

import pytest
import torch

from monai_echosynth.diffusion.vp import VP
from monai_echosynth.diffusion.vp_time import VPTime


def test_round_trip_over_the_whole_range() -> None:
    time = torch.cat(
        [torch.logspace(-9, -2, 50, dtype=torch.float64), torch.linspace(0.02, 1, 50, dtype=torch.float64)]
    )
    law = VPTime()
    torch.testing.assert_close(law.time(law.sigma(time)), time, rtol=1e-12, atol=0)


def test_sigma_matches_the_integrated_rate() -> None:
    """1 + sigma^2 is the exponential of the integral of beta, by the midpoint rule."""
    law, t = VPTime(), 0.7
    middles = (torch.arange(1000, dtype=torch.float64) + 0.5) / 1000 * t
    integral = float((law.beta_min + law.beta_d * middles).sum()) * t / 1000
    assert float(law.sigma(torch.tensor(t, dtype=torch.float64))) == pytest.approx(
        math.sqrt(math.expm1(integral)), rel=1e-9
    )


def test_vp_range_follows_from_its_times() -> None:
    vp = VP()
    assert vp.sigma_max == pytest.approx(math.sqrt(math.exp(10.05) - 1), rel=1e-12)
    assert vp.sigma_min == pytest.approx(math.sqrt(math.expm1(0.5 * 19.9e-6 + 1e-4)), rel=1e-12)
