"""The objective of students: zero for the exact consistency function, pseudo-Huber with EDM's weight elsewhere."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from monai_echosynth.diffusion.edm import EDM
from monai_echosynth.diffusion.estimate_target import estimate_target
from monai_echosynth.losses.consistency import ConsistencyLoss
from tests.helpers.analytic import GaussianDenoiser, MixtureDenoiser

LEVELS = [0.01, 0.3, 2.0, 40.0]


def _output(noisy: Tensor, sigma: Tensor, estimate: Tensor) -> Tensor:
    """What a network returns that makes ``estimate``."""
    skip, out, *_ = (c.reshape(-1, 1, 1, 1) for c in EDM().coefficients(sigma))
    return (estimate - skip * noisy) / out


def _states(seed: int = 0) -> tuple[Tensor, Tensor]:
    sigma = torch.tensor(LEVELS, dtype=torch.float64)
    noise = torch.randn(4, 1, 6, 6, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return 0.3 + noise * (0.25 + sigma.square()).sqrt().reshape(-1, 1, 1, 1), sigma


@pytest.mark.parametrize("law", [GaussianDenoiser(), MixtureDenoiser()], ids=["gaussian", "mixture"])
def test_zero_for_the_exact_consistency_function(law: GaussianDenoiser | MixtureDenoiser) -> None:
    """f maps each state to the end of its trajectory: from t as from r, both agree."""
    noisy, sigma = _states()
    pairs = list(zip(noisy, LEVELS, strict=True))
    late = [law.solution(x, t, 0.7 * t) for x, t in pairs]
    wanted = torch.stack([law.solution(x, 0.7 * t, 0.0) for x, t in zip(late, LEVELS, strict=True)])
    exact = torch.stack([law.solution(x, t, 0.0) for x, t in pairs])
    target = estimate_target(noisy, sigma, wanted, EDM())
    targets = {"target": target.target, "out": target.out, "sector": torch.ones_like(noisy)}
    loss = ConsistencyLoss()
    assert float(loss(_output(noisy, sigma, exact), targets)) < 1e-6
    assert float(loss(_output(noisy, sigma, exact + 0.1), targets)) > 0.1


def test_pseudo_huber_of_the_estimate_over_c_out() -> None:
    noisy, sigma = _states()
    wanted, error = torch.zeros_like(noisy), 0.02
    target = estimate_target(noisy, sigma, wanted, EDM())
    targets = {"target": target.target, "out": target.out, "sector": torch.ones_like(noisy)}
    found = float(ConsistencyLoss(c=0.01)(_output(noisy, sigma, wanted + error), targets))
    out = EDM().coefficients(sigma).out
    assert found == pytest.approx(float(((math.hypot(error, 0.01) - 0.01) / out).mean()))


def test_outside_the_sector_nothing_counts() -> None:
    noisy, sigma = _states()
    sector = torch.zeros(4, 1, 6, 6, dtype=torch.float64)
    sector[..., :3] = 1
    target = estimate_target(noisy, sigma, torch.zeros_like(noisy), EDM())
    prediction = target.target + (1 - sector) * 5
    assert float(ConsistencyLoss()(prediction, {"target": target.target, "out": target.out, "sector": sector})) == 0


def test_gradient_is_finite_at_zero() -> None:
    prediction = torch.zeros(2, 1, 4, 4, requires_grad=True)
    targets = {"target": torch.zeros(2, 1, 4, 4), "out": torch.tensor([0.1, 0.5]), "sector": torch.ones(2, 1, 4, 4)}
    ConsistencyLoss()(prediction, targets).backward()
    assert prediction.grad is not None and bool((prediction.grad == 0).all())
