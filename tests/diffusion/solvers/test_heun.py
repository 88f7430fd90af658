"""Heun's corrector looks at the predicted point and the new noise level."""

from __future__ import annotations

import pytest
import torch

from monai_echosynth.diffusion.sigma_grid import karras_sigmas
from monai_echosynth.diffusion.solvers import EulerSolver, HeunSolver
from tests.helpers.analytic import MixtureDenoiser


def test_points_and_levels_of_the_evaluations() -> None:
    calls: list[tuple[torch.Tensor, float]] = []

    def denoiser(x: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        calls.append((x.clone(), float(sigma)))
        return torch.tanh(x)

    x = torch.full((1, 1, 1), 0.9, dtype=torch.float64)
    result = HeunSolver().sample(denoiser, x / 2, torch.tensor([2.0, 0.5, 0.0], dtype=torch.float64))
    start, first = float(x), float(torch.tanh(x))
    slope = (start - first) / 2
    predicted = start - 1.5 * slope
    slope_there = (predicted - float(torch.tanh(torch.tensor(predicted, dtype=torch.float64)))) / 0.5
    corrected = start - 1.5 * (slope + slope_there) / 2
    assert [sigma for _, sigma in calls] == [2.0, 0.5, 0.5]
    assert [float(point) for point, _ in calls] == pytest.approx([start, predicted, corrected], rel=1e-12)
    assert float(result) == pytest.approx(float(torch.tanh(torch.tensor(corrected, dtype=torch.float64))), rel=1e-12)


def test_heun_is_not_euler() -> None:
    noise = torch.linspace(-1, 1, 9).reshape(1, 1, 9)
    results = [solver.sample(MixtureDenoiser(), noise, karras_sigmas(8)) for solver in (HeunSolver(), EulerSolver())]
    assert float((results[0] - results[1]).abs().max()) > 0.01


def test_last_step_is_euler() -> None:
    noise, sigmas = torch.ones(1, 1, 4), torch.tensor([1.5, 0.0])
    results = [solver.sample(MixtureDenoiser(), noise, sigmas) for solver in (HeunSolver(), EulerSolver())]
    assert torch.equal(*results)
