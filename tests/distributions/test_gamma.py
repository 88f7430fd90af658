"""Gamma arithmetic against published values, torch.distributions, Monte Carlo and implicit differentiation."""

from __future__ import annotations

import pytest
import torch
from scipy.special import gammainc
from scipy.stats import kstest
from torch.distributions import Gamma, kl_divergence

from monai_echosynth.distributions.gamma import (
    GammaPrior,
    KLDirection,
    gamma_kl,
    gamma_mean,
    gamma_prior_kl,
    gamma_rsample,
)

POSTERIORS = [(1.2, 4.0), (20.0, 40.0), (0.26, 0.75)]
TO_PRIOR = [0.6245472561182503, 0.7279462152679468, 7.897455932871875]
FROM_PRIOR = [0.2740716888645749, 2.5890585328780364, 1.0907228305707877]


def _posteriors() -> tuple[torch.Tensor, torch.Tensor]:
    concentration, rate = torch.tensor(POSTERIORS, dtype=torch.float64).T
    return concentration, rate


@pytest.mark.parametrize(
    ("direction", "expected"),
    [(KLDirection.POSTERIOR_TO_PRIOR, TO_PRIOR), (KLDirection.PRIOR_TO_POSTERIOR, FROM_PRIOR)],
)
def test_kl_check_values(direction: KLDirection, expected: list[float]) -> None:
    result = gamma_prior_kl(*_posteriors(), GammaPrior(), direction)
    torch.testing.assert_close(result, torch.tensor(expected, dtype=torch.float64), rtol=0, atol=1e-10)


def test_default_direction_is_posterior_to_prior() -> None:
    assert gamma_prior_kl(*_posteriors()).tolist() == pytest.approx(TO_PRIOR, abs=1e-10)


def test_kl_equals_torch_distributions() -> None:
    generator = torch.Generator().manual_seed(0)
    q_c, q_r, p_c, p_r = 0.1 + 20 * torch.rand(4, 500, generator=generator, dtype=torch.float64)
    expected = kl_divergence(Gamma(q_c, q_r), Gamma(p_c, p_r))
    torch.testing.assert_close(gamma_kl(q_c, q_r, p_c, p_r), expected, rtol=1e-10, atol=1e-10)


def test_kl_equals_monte_carlo() -> None:
    generator = torch.Generator().manual_seed(1)
    prior = Gamma(*(torch.tensor(v, dtype=torch.float64) for v in GammaPrior()))
    for concentration, rate in zip(*_posteriors(), strict=True):
        x = gamma_rsample(concentration.expand(100_000), rate, generator)
        log_ratio = Gamma(concentration, rate).log_prob(x) - prior.log_prob(x)
        error = abs(log_ratio.mean() - gamma_prior_kl(concentration, rate))
        assert error < 5 * log_ratio.std() / len(x) ** 0.5


def test_kl_is_zero_at_the_prior_with_zero_gradient() -> None:
    c, r = (torch.tensor([v], requires_grad=True) for v in GammaPrior())
    value = gamma_prior_kl(c, r).sum()
    value.backward()
    assert abs(float(value.detach())) < 1e-5
    assert c.grad is not None and r.grad is not None
    assert max(abs(float(c.grad)), abs(float(r.grad))) < 1e-5


@pytest.mark.parametrize("direction", list(KLDirection))
def test_kl_gradients(direction: KLDirection) -> None:
    c, r = (v.clone().requires_grad_() for v in _posteriors())
    assert torch.autograd.gradcheck(lambda c, r: gamma_prior_kl(c, r, direction=direction), (c, r))


def test_kl_of_tensor_parameters_backpropagates_to_both_sides() -> None:
    values = [torch.tensor([v], requires_grad=True) for v in (1.2, 4.0, 3.75, 10.8)]
    gamma_kl(*values).sum().backward()
    assert all(v.grad is not None and v.grad.abs() > 0 for v in values)


def test_samples_follow_the_law() -> None:
    generator = torch.Generator().manual_seed(2)
    for c, r in POSTERIORS:
        x = gamma_rsample(
            torch.full((20_000,), c, dtype=torch.float64), torch.tensor(r, dtype=torch.float64), generator
        )
        assert kstest(x.numpy(), "gamma", args=(c, 0, 1 / r)).pvalue > 1e-3
        assert float(gamma_mean(torch.tensor(c), torch.tensor(r))) == pytest.approx(c / r)


def test_sample_gradients_are_implicit() -> None:
    concentration = torch.linspace(0.15, 30, 200, dtype=torch.float64)
    c, r = concentration.clone().requires_grad_(), torch.full((200,), 2.5, dtype=torch.float64, requires_grad=True)
    x = gamma_rsample(c, r, torch.Generator().manual_seed(3))
    by_c, by_r = torch.autograd.grad(x.sum(), (c, r))
    torch.testing.assert_close(by_r, -x.detach() / 2.5, rtol=1e-12, atol=0)
    standard, step = 2.5 * x.detach(), 1e-5
    above, below = (gammainc((concentration + d).numpy(), standard.numpy()) for d in (step, -step))
    shift = torch.from_numpy(above - below)
    density = Gamma(concentration, torch.ones(200, dtype=torch.float64)).log_prob(standard).exp()
    torch.testing.assert_close(by_c, -shift / (2 * step) / density / 2.5, rtol=1e-3, atol=1e-8)


def test_samples_are_reproducible_and_leave_the_global_generator_alone() -> None:
    c, r = torch.rand(2, 1, 8, 8) + 0.2, torch.rand(2, 1, 8, 8) + 0.2
    state = torch.get_rng_state()
    first = gamma_rsample(c, r, torch.Generator().manual_seed(4))
    again = gamma_rsample(c, r, torch.Generator().manual_seed(4))
    other = gamma_rsample(c, r, torch.Generator().manual_seed(5))
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert torch.equal(state, torch.get_rng_state())


def test_half_precision_is_upcast_under_autocast() -> None:
    c, r = (v.bfloat16() for v in _posteriors())
    expected = gamma_prior_kl(c.float(), r.float())
    sample = gamma_rsample(c.float(), r.float(), torch.Generator().manual_seed(6))
    with torch.autocast("cpu", torch.bfloat16):
        result = gamma_prior_kl(c, r)
        assert torch.equal(gamma_rsample(c, r, torch.Generator().manual_seed(6)), sample)
        assert torch.equal(gamma_mean(c, r), c.float() / r.float())
    assert result.dtype is torch.float32 and torch.equal(result, expected)
