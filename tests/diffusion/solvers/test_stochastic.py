"""DDIM with noise, ancestral sampling, the multistep SDE method and churn: textbook updates, exact laws, limits."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch

from monai_echosynth.diffusion.iddpm import IDDPM
from monai_echosynth.diffusion.seeding import image_generator, normal_noise
from monai_echosynth.diffusion.sigma_grid import karras_sigmas
from monai_echosynth.diffusion.solvers import (
    AncestralSolver,
    ChurnSolver,
    DDIMSolver,
    DPMpp2MSDESolver,
    EulerSolver,
    HeunSolver,
    Solver,
)
from monai_echosynth.errors import EchoSynthError
from tests.helpers.analytic import GaussianDenoiser, MixtureDenoiser

SHAPE = (2, 1, 6, 6)


def _generators() -> list[torch.Generator]:
    return [image_generator(23, k) for k in range(SHAPE[0])]


def _noise() -> torch.Tensor:
    return torch.randn(SHAPE, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def _textbook_ddim(sigmas: torch.Tensor, eta: float) -> torch.Tensor:
    """Equations 12 and 16 of the paper in the scaled state, with alpha-bar as the only variable."""
    sources, denoiser = _generators(), MixtureDenoiser()
    alphas = (1 / (1 + sigmas**2)).tolist()
    y = math.sqrt(alphas[0]) * float(sigmas[0]) * _noise()
    for a, b in pairwise(alphas):
        estimate = denoiser(y / math.sqrt(a), torch.tensor(math.sqrt((1 - a) / a), dtype=torch.float64))
        predicted = (y - math.sqrt(a) * estimate) / math.sqrt(1 - a)
        s = eta * math.sqrt((1 - b) / (1 - a)) * math.sqrt(1 - a / b)
        y = math.sqrt(b) * estimate + math.sqrt(max(1 - b - s * s, 0)) * predicted
        if s > 0:
            y = y + s * normal_noise(y, sources)
    return y


@pytest.mark.parametrize("eta", [0.0, 0.3, 1.0])
def test_ddim_equals_the_textbook(eta: float) -> None:
    sigmas = IDDPM().sigmas(20)
    result = DDIMSolver(eta).sample(MixtureDenoiser(), _noise(), sigmas, _generators())
    torch.testing.assert_close(result, _textbook_ddim(sigmas, eta), rtol=1e-9, atol=1e-9)


def test_ddim_without_noise_is_euler_and_with_full_noise_ancestral() -> None:
    def run(solver: Solver) -> torch.Tensor:
        return solver.sample(MixtureDenoiser(), _noise(), karras_sigmas(20), _generators())

    torch.testing.assert_close(run(DDIMSolver()), run(EulerSolver()), rtol=1e-11, atol=1e-11)
    torch.testing.assert_close(run(DDIMSolver(eta=1)), run(AncestralSolver()), rtol=1e-11, atol=1e-11)
    half = run(DDIMSolver(eta=0.5))
    assert float((half - run(EulerSolver())).abs().max()) > 0.1
    assert float((half - run(AncestralSolver())).abs().max()) > 0.1


@pytest.mark.parametrize("steps", [4, 32])
def test_ancestral_law_is_exact_on_gaussian_data(steps: int) -> None:
    """With a linear denoiser the result is normal; its mean and variance follow a scalar recursion."""
    denoiser, sigmas = GaussianDenoiser(), karras_sigmas(steps).tolist()
    mean, variance = 0.0, sigmas[0] ** 2
    for sigma, following in pairwise(sigmas):
        gain = denoiser.std**2 / (denoiser.std**2 + sigma**2)
        keep = gain + (following / sigma) ** 2 * (1 - gain)
        mean = denoiser.mean + keep * (mean - denoiser.mean)
        variance = keep**2 * variance + following**2 * (1 - (following / sigma) ** 2)
    noise = torch.randn(1, 1, 400, 400, generator=torch.Generator().manual_seed(2))
    result = AncestralSolver().sample(denoiser, noise, torch.tensor(sigmas), image_generator(0, 0))
    count = result.numel()
    assert float(result.mean()) == pytest.approx(mean, abs=5 * math.sqrt(variance / count))
    assert float(result.std()) == pytest.approx(math.sqrt(variance), rel=5 / math.sqrt(2 * count))


def _textbook_sde_2m(sigmas: torch.Tensor) -> torch.Tensor:
    """The method's own form in lambda = -ln sigma, with r = h_{i-1} / h_i."""
    sources, denoiser, x = _generators(), MixtureDenoiser(), float(sigmas[0]) * _noise()
    levels = (-sigmas[:-1].log()).tolist()
    earlier, earlier_step = None, 1.0
    for a, b in pairwise(levels):
        step, estimate = b - a, denoiser(x, torch.tensor(math.exp(-a), dtype=torch.float64))
        gain = -math.expm1(-2 * step)
        new = math.exp(-2 * step) * x + gain * estimate
        if earlier is not None:
            new = new + 0.5 * gain * (estimate - earlier) / (earlier_step / step)
        x = new + math.exp(-b) * math.sqrt(gain) * normal_noise(x, sources)
        earlier, earlier_step = estimate, step
    return denoiser(x, torch.tensor(math.exp(-levels[-1]), dtype=torch.float64))


@pytest.mark.parametrize("steps", [1, 2, 3, 20])
def test_multistep_sde_equals_the_textbook(steps: int) -> None:
    sigmas = karras_sigmas(steps)
    result = DPMpp2MSDESolver().sample(MixtureDenoiser(), _noise(), sigmas, _generators())
    torch.testing.assert_close(result, _textbook_sde_2m(sigmas), rtol=1e-9, atol=1e-9)


def test_multistep_sde_keeps_the_spread_that_ancestral_sampling_loses() -> None:
    denoiser, noise = GaussianDenoiser(), torch.randn(1, 1, 300, 300, generator=torch.Generator().manual_seed(4))
    lost = {
        type(solver): 1
        - float(solver.sample(denoiser, noise, karras_sigmas(32), image_generator(0, 0)).std()) / denoiser.std
        for solver in (AncestralSolver(), DPMpp2MSDESolver())
    }
    assert lost[AncestralSolver] > 0.1
    assert abs(lost[DPMpp2MSDESolver]) < lost[AncestralSolver] / 3


@pytest.mark.parametrize(
    "solver",
    [AncestralSolver(), DDIMSolver(0.5), DPMpp2MSDESolver(), ChurnSolver(noise_scale=1.0)],
    ids=["ancestral", "ddim", "dpmpp_2m_sde", "churn"],
)
def test_law_of_the_data_is_reached(solver: Solver) -> None:
    denoiser = MixtureDenoiser()
    noise = torch.randn(1, 1, 100, 100, generator=torch.Generator().manual_seed(3))
    result = solver.sample(denoiser, noise, karras_sigmas(200), image_generator(1, 0)).double().flatten().sort().values
    expected = torch.linspace(0.5 / len(result), 1 - 0.5 / len(result), len(result), dtype=torch.float64)
    assert float((denoiser.distribution(result, 0.0) - expected).abs().max()) < 0.025


def test_churn_without_noise_is_heun() -> None:
    sigmas = karras_sigmas(12)
    heun = HeunSolver().sample(MixtureDenoiser(), _noise(), sigmas)
    assert torch.equal(ChurnSolver(churn=0).sample(MixtureDenoiser(), _noise(), sigmas), heun)
    outside = ChurnSolver(churn_min=100, churn_max=200)
    assert torch.equal(outside.sample(MixtureDenoiser(), _noise(), sigmas), heun)
    churned = ChurnSolver().sample(MixtureDenoiser(), _noise(), sigmas, _generators())
    assert float((churned - heun).abs().max()) > 0.1


@pytest.mark.parametrize(("churn", "gamma"), [(1.0, 0.5), (40.0, math.sqrt(2) - 1)])
def test_churned_step_by_hand(churn: float, gamma: float) -> None:
    gamma = min(gamma, math.sqrt(2) - 1)
    sigmas, denoiser, sources = torch.tensor([2.0, 0.5, 0.0], dtype=torch.float64), MixtureDenoiser(), _generators()
    x, levels = 2 * _noise(), [(2.0, 0.5), (0.5, 0.0)]
    for sigma, following in levels:
        lifted = sigma * (1 + gamma)
        x = x + math.sqrt(lifted**2 - sigma**2) * 1.003 * normal_noise(x, sources)
        slope = (x - denoiser(x, torch.tensor(lifted))) / lifted
        there = x + (following - lifted) * slope
        if following > 0:
            slope = (slope + (there - denoiser(there, torch.tensor(following))) / following) / 2
        x = x + (following - lifted) * slope
    result = ChurnSolver(churn=churn).sample(denoiser, _noise(), sigmas, _generators())
    torch.testing.assert_close(result, x, rtol=1e-6, atol=1e-6)


def test_bad_settings_are_refused() -> None:
    with pytest.raises(EchoSynthError, match=r"eta must lie in \[0, 1\], got 1.5"):
        DDIMSolver(eta=1.5)
    with pytest.raises(EchoSynthError, match="churn must be at least 0, got -1"):
        ChurnSolver(churn=-1)
