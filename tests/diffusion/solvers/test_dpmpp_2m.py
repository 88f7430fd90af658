"""DPM-Solver++(2M): exact where its theory says so."""

from __future__ import annotations

import math

import torch

from monai_echosynth.diffusion.sigma_grid import geometric_sigmas, karras_sigmas
from monai_echosynth.diffusion.solvers import DPMpp2MSolver
from tests.helpers.analytic import MixtureDenoiser


def test_constant_denoiser_is_integrated_exactly() -> None:
    noise = torch.randn(1, 1, 16, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    sigmas = torch.tensor([80.0, 7.0, 0.3], dtype=torch.float64)
    result = DPMpp2MSolver().sample(lambda x, sigma: torch.full_like(x, 0.25), noise, sigmas)
    torch.testing.assert_close(result, 0.25 + (0.3 / 80) * (80 * noise - 0.25), rtol=1e-13, atol=1e-13)


def test_second_step_matches_the_published_update() -> None:
    """Algorithm 2 of the paper, written with its own r and h on an uneven grid."""
    denoiser, noise = MixtureDenoiser(), torch.linspace(-1, 1, 5, dtype=torch.float64).reshape(1, 1, 5)
    s0, s1, s2 = 3.0, 1.0, 0.6
    d0 = denoiser(s0 * noise, torch.tensor(s0))
    x1 = s1 / s0 * (s0 * noise) - math.expm1(-math.log(s0 / s1)) * d0
    d1 = denoiser(x1, torch.tensor(s1))
    h0, h1 = math.log(s0 / s1), math.log(s1 / s2)
    r = h0 / h1
    mixed = (1 + 1 / (2 * r)) * d1 - 1 / (2 * r) * d0
    expected = s2 / s1 * x1 - math.expm1(-h1) * mixed
    result = DPMpp2MSolver().sample(denoiser, noise, torch.tensor([s0, s1, s2], dtype=torch.float64))
    torch.testing.assert_close(result, expected, rtol=1e-12, atol=1e-12)


def test_uneven_and_even_grids_agree_in_the_limit() -> None:
    denoiser, noise = MixtureDenoiser(), torch.linspace(-1, 1, 5, dtype=torch.float64).reshape(1, 1, 5)
    grids = (karras_sigmas(400, 0.01, 50.0), geometric_sigmas(400, 0.01, 50.0))
    torch.testing.assert_close(*(DPMpp2MSolver().sample(denoiser, noise, g) for g in grids), rtol=0, atol=2e-3)
