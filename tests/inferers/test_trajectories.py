"""Recorded trajectories: the solver's own states, ends and all, for each method."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from monai_echosynth.diffusion.edm import EDM
from monai_echosynth.diffusion.solvers import DETERMINISTIC, SolverName, make_solver
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.inferers.trajectories import Trajectories, nearest_levels
from tests.helpers.analytic import GaussianDenoiser


class _Exact(torch.nn.Module):
    """A network whose denoiser is that of N(0.3, 0.5^2)."""

    def forward(self, x: Tensor, timesteps: Tensor, seg: object) -> Tensor:
        sigma = (4 * timesteps).double().exp()
        skip, out, inp, _ = (c.reshape(-1, 1, 1, 1).to(x.dtype) for c in EDM().coefficients(sigma))
        estimate = GaussianDenoiser()(x / inp, sigma[0])
        return (estimate - skip * x / inp) / out


def _between(low: float) -> tuple[Tensor, Tensor]:
    return torch.tensor(low), torch.tensor(5.0)


def test_levels_are_those_of_the_grid() -> None:
    grid = EDM().sigmas(16).tolist()
    found = nearest_levels(grid, [80, 4, 1.3, 0.4])
    assert found[0] == 80 and set(found) <= set(grid) and list(found) == sorted(found, reverse=True)
    assert all(abs(level / wanted - 1) < 0.35 for level, wanted in zip(found, [80, 4, 1.3, 0.4], strict=True))
    assert nearest_levels([80.0, 1.0, 0.0], [80, 70, 60]) == (80.0,)


@pytest.mark.parametrize("name", DETERMINISTIC)
def test_states_lie_on_the_trajectory(name: SolverName) -> None:
    """The state at each level is the exact one, and the end follows from each state."""
    noise = torch.randn(2, 1, 4, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    solve = Trajectories(_Exact(), EDM(), _between(0.0), name, make_solver(name).nfe(120), [80, 4, 1.3, 0.4])
    states = solve(noise, torch.rand(2, 5, 4, 4), torch.ones(2, 1, 4, 4))
    assert states.shape == (2, 5, 1, 4, 4)
    law, tolerance = GaussianDenoiser(), 0.03 if make_solver(name).order == 1 else 2e-3
    for i, level in enumerate(solve.levels):
        exact = law.solution(80 * noise, 80.0, level)
        torch.testing.assert_close(states[:, i], exact, rtol=tolerance, atol=tolerance)
        torch.testing.assert_close(states[:, -1], law.solution(states[:, i], level, 0.0), rtol=0.03, atol=0.03)


def test_outside_the_sector_is_background() -> None:
    sector = torch.ones(1, 1, 4, 4)
    sector[..., :2] = 0
    noise = torch.randn(1, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    states = Trajectories(_Exact(), EDM(), _between(-0.6), nfe=8)(noise, torch.rand(1, 5, 4, 4), sector)
    assert (states[:, -1][sector == 0] == -0.6).all() and (states[:, -1][sector == 1] != -0.6).all()


@pytest.mark.parametrize("name", ["consistency", "churn", "ancestral", "dpmpp_2m_sde"])
def test_fresh_noise_makes_no_trajectory(name: str) -> None:
    make: Callable[[], Trajectories] = lambda: Trajectories(_Exact(), EDM(), _between(0.0), name)  # noqa: E731
    with pytest.raises(EchoSynthError, match=f"need a deterministic solver, got {name}"):
        make()
