"""Exponential Adams weights integrate polynomials exactly, and the methods built on them do what their papers say."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from monai_echosynth.diffusion.sigma_grid import karras_sigmas
from monai_echosynth.diffusion.solvers import DPMpp2MSolver, DPMpp3MSolver, Solver, UniPCSolver
from monai_echosynth.diffusion.solvers.exponential_adams import exponential_step, exponential_weights
from tests.helpers.analytic import MixtureDenoiser


def _integral(step: float, power: int) -> float:
    """Of exp(tau - h) tau^power over [0, h], by a fine Gauss rule."""
    nodes, weights = np.polynomial.legendre.leggauss(30)
    tau = step * (nodes + 1) / 2
    return float(step / 2 * (weights * np.exp(tau - step) * tau**power).sum())


@pytest.mark.parametrize("step", [0.01, 0.7, 5.0])
@pytest.mark.parametrize("nodes", [[0.0], [0.0, -0.4, -1.1], [0.3, 0.0, -0.4], [0.3, 0.0, -0.4, -1.1]])
def test_polynomials_are_integrated_exactly(step: float, nodes: list[float]) -> None:
    weights = exponential_weights(step, nodes)
    for power in range(len(nodes)):
        found = sum(weight * node**power for weight, node in zip(weights, nodes, strict=True))
        assert found == pytest.approx(_integral(step, power), rel=1e-6, abs=1e-12)
    assert sum(weights) == pytest.approx(1 - math.exp(-step), rel=1e-9)


def test_a_step_with_one_node_is_exact_for_a_constant() -> None:
    x = torch.tensor([2.0, -1.0], dtype=torch.float64)
    found = exponential_step(x, 0.8, [0.0], [torch.full_like(x, 0.25)])
    torch.testing.assert_close(found, 0.25 + math.exp(-0.8) * (x - 0.25))


@pytest.mark.parametrize("solver", [DPMpp3MSolver(), UniPCSolver()], ids=["3m", "unipc"])
def test_constant_denoiser_is_integrated_exactly(solver: Solver) -> None:
    noise = torch.randn(1, 1, 16, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    sigmas = torch.tensor([80.0, 20.0, 7.0, 1.0, 0.3], dtype=torch.float64)
    result = solver.sample(lambda x, sigma: torch.full_like(x, 0.25), noise, sigmas)
    torch.testing.assert_close(result, 0.25 + (0.3 / 80) * (80 * noise - 0.25), rtol=1e-12, atol=1e-12)


def test_two_nodes_are_the_published_second_order_rule() -> None:
    """DPM-Solver++(2M): the difference quotient counts half a step, times 1 - exp(-h)."""
    step, before = 1.3, 0.9
    mixed = 1 + step / (2 * before)
    expected = [(1 - math.exp(-step)) * mixed, (1 - math.exp(-step)) * (1 - mixed)]
    assert exponential_weights(step, [0.0, -before]) == pytest.approx(expected)


def test_unipc_does_not_overshoot_at_few_calls() -> None:
    """On the default grid it is like 2M below ten calls, where 3M overshoots; from there on the corrector shows."""
    denoiser = MixtureDenoiser()
    noise = torch.linspace(-2, 2, 41, dtype=torch.float64).reshape(1, 1, 41)
    exact = denoiser.solution(80 * noise, 80.0, 0.0)

    def error(solver: Solver, calls: int) -> float:
        return float((solver.sample(denoiser, noise, karras_sigmas(calls)) - exact).square().mean().sqrt())

    assert error(UniPCSolver(), 6) < 1.5 * error(DPMpp2MSolver(), 6) < error(DPMpp3MSolver(), 6)
    assert error(UniPCSolver(), 30) < error(DPMpp2MSolver(), 30) / 1.5
