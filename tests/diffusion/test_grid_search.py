"""The search of sampling grids lowers the distance of few-call samples to the exact ones, and never raises it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import pytest
import torch

from monai_echosynth.diffusion.grid_search import search_grid
from monai_echosynth.diffusion.sigma_grid import karras_sigmas
from monai_echosynth.diffusion.solvers import SolverName, make_solver
from tests.helpers.analytic import MixtureDenoiser


@pytest.mark.parametrize("name", [SolverName.UNIPC, SolverName.DPMPP_2M, SolverName.DPMPP_3M, SolverName.HEUN])
@pytest.mark.parametrize("calls", [5, 8])
def test_samples_of_few_calls_come_closer(name: SolverName, calls: int) -> None:
    denoiser, solver = MixtureDenoiser(), make_solver(name)
    noise = torch.linspace(-2, 2, 41, dtype=torch.float64).reshape(1, 1, 41)
    exact = denoiser.solution(80 * noise, 80.0, 0.0)

    def distance(levels: Sequence[float]) -> float:
        assert len(levels) == len(start) and levels[-1] == 0 and all(a > b for a, b in pairwise(levels))
        sigmas = torch.tensor(list(levels), dtype=torch.float64)
        return float((solver.sample(denoiser, noise, sigmas) - exact).square().mean().sqrt())

    start = karras_sigmas(solver.steps(calls)).tolist()
    found = search_grid(distance, start, evaluations=80)
    assert found.default == distance(start) and found.distance == distance(found.levels)
    assert found.distance < 0.75 * found.default
    assert found.evaluations <= 80


def test_what_is_best_stays() -> None:
    start = (10.0, 1.0, 0.0)
    found = search_grid(lambda levels: 0.0 if tuple(levels) == start else 1.0, start)
    assert found.levels == start and found.distance == 0.0


def test_bad_values_are_avoided_and_one_level_moves_too() -> None:
    def distance(levels: Sequence[float]) -> float:
        return float("nan") if levels[0] > 12 else abs(math.log(levels[0] / 5))

    found = search_grid(distance, (10.0, 0.0))
    assert found.levels[0] == pytest.approx(5, rel=0.05)


def test_the_limit_is_kept() -> None:
    calls: list[Sequence[float]] = []
    search_grid(lambda levels: float(calls.append(levels) or sum(levels)), (10.0, 3.0, 1.0, 0.0), evaluations=7)  # type: ignore[func-returns-value]
    assert len(calls) <= 7
