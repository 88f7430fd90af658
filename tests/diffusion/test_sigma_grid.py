"""Sampling grids: end points, order, type and law."""

from __future__ import annotations

import pytest
import torch

from monai_echosynth.diffusion.sigma_grid import geometric_sigmas, karras_sigmas, table_sigmas, vp_sigmas
from monai_echosynth.diffusion.vp_time import VPTime
from monai_echosynth.errors import EchoSynthError
from tests.diffusion.families import FAMILIES


@pytest.mark.parametrize("name", list(FAMILIES))
@pytest.mark.parametrize("steps", [1, 2, 3, 18, 100, 256])
def test_end_points_order_and_type(name: str, steps: int) -> None:
    family = FAMILIES[name]()
    sigmas = family.sigmas(steps)
    assert sigmas.shape == (steps + 1,) and sigmas.dtype is torch.float64 and sigmas.device.type == "cpu"
    assert float(sigmas[0]) == family.sigma_max and float(sigmas[-1]) == 0
    assert steps == 1 or float(sigmas[-2]) == pytest.approx(family.sigma_min, rel=1e-12)
    assert bool((sigmas.diff() < 0).all())


def test_karras_grid_is_uniform_in_the_root() -> None:
    sigmas = karras_sigmas(10, 0.01, 50.0, rho=3.0)
    roots = sigmas[:-1] ** (1 / 3)
    torch.testing.assert_close(roots.diff(), roots.diff().mean().expand(9), rtol=1e-10, atol=0)


def test_karras_end_points_are_exact() -> None:
    for steps in range(2, 60):
        sigmas = karras_sigmas(steps)
        assert (float(sigmas[0]), float(sigmas[-2]), float(sigmas[-1])) == (80.0, 0.002, 0.0)


def test_other_grids_are_uniform_in_their_variable() -> None:
    ratios = geometric_sigmas(10)[:-1].log().diff()
    torch.testing.assert_close(ratios, ratios.mean().expand(9), rtol=1e-10, atol=0)
    times = VPTime().time(vp_sigmas(10)[:-1])
    torch.testing.assert_close(times, torch.linspace(1, 1e-3, 10, dtype=torch.float64), rtol=1e-9, atol=0)


def test_table_grid_uses_each_level_once_when_full() -> None:
    table = torch.rand(30, generator=torch.Generator().manual_seed(0), dtype=torch.float64).cumsum(0)
    assert torch.equal(table_sigmas(30, table)[:-1], table.flip(0))
    with pytest.raises(EchoSynthError, match="at most the 30 levels of the table, got 31"):
        table_sigmas(31, table)


def test_bad_arguments_are_refused() -> None:
    with pytest.raises(EchoSynthError, match="steps must be at least 1, got 0"):
        karras_sigmas(0)
    with pytest.raises(EchoSynthError, match="0 < sigma_min < sigma_max"):
        karras_sigmas(5, 1.0, 0.5)
