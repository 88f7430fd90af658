"""Coefficients of every family, the effective-target identity and the equivalence of VP and VE."""

from __future__ import annotations

import pytest
import torch

from monai_echosynth.diffusion.denoiser import Denoiser
from monai_echosynth.diffusion.edm import EDM
from monai_echosynth.diffusion.preconditioning import Preconditioning, training_target
from monai_echosynth.diffusion.solvers import HeunSolver
from monai_echosynth.diffusion.ve import VE
from monai_echosynth.diffusion.vp import VP
from monai_echosynth.errors import EchoSynthError
from tests.diffusion.families import FAMILIES, paper_weight, training_sigmas


@pytest.fixture(params=list(FAMILIES))
def family(request: pytest.FixtureRequest) -> Preconditioning:
    return FAMILIES[request.param]()


def _batch(n: int, dtype: torch.dtype = torch.float64) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(5)
    clean, noise, output = torch.randn(3, n, 2, 3, 4, generator=generator, dtype=torch.float64).to(dtype)
    return 0.5 * clean, noise, output


def test_paper_weight_is_the_inverse_square_of_the_output_scale(family: Preconditioning) -> None:
    sigma = training_sigmas(family, 1000)
    product = paper_weight(family, sigma) * family.coefficients(sigma).out ** 2
    torch.testing.assert_close(product, torch.ones_like(sigma), rtol=0, atol=5e-14)


def test_weighted_denoiser_error_equals_error_of_the_network(family: Preconditioning) -> None:
    """The paper's weight times (D - z)^2 is (F - target)^2 to 5e-14; below 0.05 forming D - z itself cancels digits."""
    clean, noise, output = _batch(64)
    sigma = training_sigmas(family, 64).clamp(0.05, 50)
    shaped = sigma.reshape(-1, 1, 1, 1)
    denoised = Denoiser(lambda x, timesteps: output, family)(clean + shaped * noise, sigma)
    weighted = paper_weight(family, shaped).sqrt() * (denoised - clean).abs()
    _, _, target = training_target(clean, noise, sigma, family)
    torch.testing.assert_close(weighted**2, (output - target) ** 2, rtol=0, atol=5e-14)


def test_target_equals_its_definition(family: Preconditioning) -> None:
    clean, noise, _ = _batch(64)
    sigma = training_sigmas(family, 64)
    skip, out, inp, c_noise = family.coefficients(sigma)
    shape = (-1, 1, 1, 1)
    noisy = clean + sigma.reshape(shape) * noise
    model_input, timesteps, target = training_target(clean, noise, sigma, family)
    expected = (clean - skip.reshape(shape) * noisy) / out.reshape(shape)
    torch.testing.assert_close(target, expected, rtol=1e-10, atol=1e-11)
    torch.testing.assert_close(model_input, inp.reshape(shape) * noisy)
    assert torch.equal(timesteps, c_noise)


def test_network_that_hits_the_target_denoises_exactly(family: Preconditioning) -> None:
    clean, noise, _ = _batch(32)
    sigma = training_sigmas(family, 32)
    target = training_target(clean, noise, sigma, family).target
    noisy = clean + sigma.reshape(-1, 1, 1, 1) * noise
    denoised = Denoiser(lambda x, timesteps: target, family)(noisy, sigma)
    torch.testing.assert_close(denoised, clean, rtol=0, atol=1e-11)


def test_zero_network_returns_the_skipped_input(family: Preconditioning) -> None:
    noisy, _, _ = _batch(8)
    denoised = Denoiser(lambda x, timesteps: torch.zeros_like(x), family)(noisy, 0.7)
    skip = 0.25 / (0.25 + 0.49) if family == EDM(0.5) else 1.0
    if not isinstance(family, EDM) or family.sigma_data == 0.5:
        torch.testing.assert_close(denoised, skip * noisy, rtol=1e-14, atol=0)
    assert torch.equal(denoised, family.coefficients(torch.tensor(0.7, dtype=torch.float64)).skip * noisy)


def test_target_is_the_noise_where_the_family_says_so() -> None:
    clean, noise, _ = _batch(16, torch.float32)
    sigma = torch.logspace(-2, 2, 16)
    assert torch.equal(training_target(clean, noise, sigma, VE()).target, -noise)
    assert torch.equal(training_target(clean, noise, sigma, VP()).target, noise)


def test_target_keeps_float32_precision_at_small_sigma() -> None:
    clean, noise, _ = _batch(16, torch.float32)
    sigma = torch.full((16,), 0.002)
    exact = training_target(clean.double(), noise.double(), sigma.double(), EDM()).target
    torch.testing.assert_close(training_target(clean, noise, sigma, EDM()).target.double(), exact, rtol=1e-5, atol=1e-6)


def test_edm_has_unit_variance_at_input_and_target() -> None:
    generator = torch.Generator().manual_seed(6)
    clean = 0.2 * torch.randn(5, 1, 200, 200, generator=generator)
    noise = torch.randn(5, 1, 200, 200, generator=generator)
    result = training_target(clean, noise, torch.tensor([0.01, 0.1, 0.5, 3.0, 40.0]), EDM(sigma_data=0.2))
    for tensor in (result.model_input, result.target):
        torch.testing.assert_close(tensor.std((1, 2, 3)), torch.ones(5), rtol=0.02, atol=0)


def test_coefficients_keep_shape_and_type(family: Preconditioning) -> None:
    for sigma in (torch.tensor(0.5), torch.rand(3, 2) + 0.1, torch.rand(4, dtype=torch.float64) + 0.1):
        for value in family.coefficients(sigma):
            assert value.shape == sigma.shape and value.dtype == sigma.dtype


def test_noise_coefficients() -> None:
    sigma = torch.tensor([0.03, 0.5, 20.0], dtype=torch.float64)
    torch.testing.assert_close(EDM().coefficients(sigma).noise, sigma.log() / 4)
    torch.testing.assert_close(VE().coefficients(sigma).noise, (sigma / 2).log())
    time = torch.tensor([0.01, 0.4, 1.0], dtype=torch.float64)
    torch.testing.assert_close(VP().coefficients(VP().time.sigma(time)).noise, 999 * time, rtol=1e-12, atol=0)


def test_vp_equals_ve_after_rescaling() -> None:
    """One noise predictor of the scaled state, read through both families, gives one denoiser and one trajectory."""
    vp, ve = VP(), VE()

    def vp_network(y: torch.Tensor, timesteps: torch.Tensor) -> torch.Tensor:
        return torch.tanh(1.5 * y) + 0.001 * timesteps.reshape(-1, 1, 1, 1) * y

    def ve_network(x: torch.Tensor, timesteps: torch.Tensor) -> torch.Tensor:
        sigma = 2 * timesteps.exp()
        scaled = x / (1 + sigma.reshape(-1, 1, 1, 1) ** 2).sqrt()
        return -vp_network(scaled, 999 * vp.time.time(sigma))

    _, noise, _ = _batch(4)
    through_vp = HeunSolver().sample(Denoiser(vp_network, vp), noise, vp.sigmas(12))
    through_ve = HeunSolver().sample(Denoiser(ve_network, ve), noise, vp.sigmas(12))
    torch.testing.assert_close(through_vp, through_ve, rtol=1e-11, atol=1e-11)


def test_bad_sigma_data_is_refused() -> None:
    with pytest.raises(EchoSynthError, match="sigma_data must be positive, got 0"):
        EDM(sigma_data=0.0)
