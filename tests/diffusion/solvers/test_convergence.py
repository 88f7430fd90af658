"""Every deterministic solver converges to the exact ODE solution at its stated order."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from monai_echosynth.diffusion.sigma_grid import karras_sigmas
from monai_echosynth.diffusion.solvers import (
    DETERMINISTIC,
    DPMpp2MSolver,
    DPMpp3MSolver,
    EulerSolver,
    HeunSolver,
    Solver,
    SolverName,
    UniPCSolver,
    make_solver,
)
from monai_echosynth.diffusion.solvers.churn import ChurnSolver
from tests.helpers.analytic import GaussianDenoiser, MixtureDenoiser

EXACT: list[Solver] = [*map(make_solver, DETERMINISTIC), ChurnSolver(churn=0)]


def _noise() -> torch.Tensor:
    return torch.linspace(-2, 2, 9, dtype=torch.float64).reshape(1, 1, 9)


def _slope(solver: Solver, denoiser: GaussianDenoiser | MixtureDenoiser, counts: list[int]) -> float:
    """Regression of log error on log step count, minus sign; integrated from 80 to 0.05, where the ODE is smooth."""
    exact = denoiser.solution(80 * _noise(), 80.0, 0.05)
    errors = []
    for count in counts:
        result = solver.sample(denoiser, _noise(), karras_sigmas(count + 1, sigma_min=0.05)[:-1])
        errors.append(float((result - exact).abs().max()))
    return -float(np.polyfit(np.log(counts), np.log(errors), 1)[0])


@pytest.mark.parametrize("solver", EXACT, ids=lambda s: type(s).__name__)
@pytest.mark.parametrize("denoiser", [GaussianDenoiser(), MixtureDenoiser()], ids=["gaussian", "mixture"])
def test_slope_equals_order(solver: Solver, denoiser: GaussianDenoiser | MixtureDenoiser) -> None:
    assert _slope(solver, denoiser, [64, 96, 128, 192, 256, 384]) == pytest.approx(solver.order, abs=0.12)


def test_orders() -> None:
    assert {name: make_solver(name).order for name in SolverName} == {
        SolverName.EULER: 1,
        SolverName.HEUN: 2,
        SolverName.DPMPP_2M: 2,
        SolverName.DPMPP_2M_SDE: 2,
        SolverName.DDIM: 1,
        SolverName.ANCESTRAL: 1,
        SolverName.CHURN: 2,
        SolverName.DPMPP_3M: 3,
        SolverName.UNIPC: 3,
        SolverName.CONSISTENCY: 0,
    }


@pytest.mark.parametrize("solver", EXACT, ids=lambda s: type(s).__name__)
def test_default_grid_reaches_the_exact_sample(solver: Solver) -> None:
    """Down to noise level 0, in float32 as in use."""
    denoiser = MixtureDenoiser()
    exact = denoiser.solution(80 * _noise(), 80.0, 0.0)
    result = solver.sample(denoiser, _noise().float(), karras_sigmas(200))
    assert result.dtype is torch.float32
    torch.testing.assert_close(result.double(), exact, rtol=0, atol=0.05 if solver.order == 1 else 1e-3)


def test_higher_orders_beat_lower_ones_at_equal_cost() -> None:
    denoiser = MixtureDenoiser()
    exact = denoiser.solution(80 * _noise(), 80.0, 0.0)
    errors = {}
    for solver in (EulerSolver(), HeunSolver(), DPMpp2MSolver(), DPMpp3MSolver(), UniPCSolver()):
        result = solver.sample(denoiser, _noise(), karras_sigmas(solver.steps(79)))
        errors[type(solver)] = float((result - exact).abs().mean())
    assert errors[HeunSolver] < errors[EulerSolver] / 2
    assert errors[DPMpp2MSolver] < errors[EulerSolver] / 2
    assert errors[DPMpp3MSolver] < errors[DPMpp2MSolver] / 2
    assert errors[UniPCSolver] < errors[DPMpp2MSolver] / 2
