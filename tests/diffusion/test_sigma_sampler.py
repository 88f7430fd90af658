"""Training laws of the noise level, by Kolmogorov-Smirnov tests and moments."""

from __future__ import annotations

import math

import pytest
import torch
from scipy.stats import chisquare, kstest

from monai_echosynth.diffusion.edm import EDM
from monai_echosynth.diffusion.iddpm import IDDPM
from monai_echosynth.diffusion.preconditioning import Preconditioning
from monai_echosynth.diffusion.ve import VE
from monai_echosynth.diffusion.vp import VP
from tests.diffusion.families import FAMILIES

COUNT = 20_000


def _draw(family: Preconditioning) -> torch.Tensor:
    return family.sigma_sampler()(COUNT, torch.Generator().manual_seed(21))


def test_edm_is_log_normal() -> None:
    logs = _draw(EDM()).double().log()
    assert kstest(logs.numpy(), "norm", args=(-1.2, 1.2)).pvalue > 1e-3
    assert float(logs.mean()) == pytest.approx(-1.2, abs=0.04) and float(logs.std()) == pytest.approx(1.2, abs=0.03)


def test_ve_is_log_uniform() -> None:
    logs = _draw(VE()).double().log()
    assert kstest(logs.numpy(), "uniform", args=(math.log(0.02), math.log(100 / 0.02))).pvalue > 1e-3


def test_vp_is_uniform_in_time() -> None:
    time = VP().time.time(_draw(VP()).double())
    assert kstest(time.numpy(), "uniform", args=(1e-5, 1 - 1e-5)).pvalue > 1e-3


def test_iddpm_is_uniform_over_the_table() -> None:
    family = IDDPM()
    index = family.coefficients(_draw(family)).noise.long()
    counts = torch.bincount(index, minlength=1000)
    assert len(counts) == 1000 and chisquare(counts.numpy()).pvalue > 1e-3
    assert torch.equal(family.table[index].float(), _draw(family))


@pytest.mark.parametrize("name", list(FAMILIES))
def test_draws_are_reproducible_positive_float32(name: str) -> None:
    family = FAMILIES[name]()
    sigma = _draw(family)
    assert sigma.shape == (COUNT,) and sigma.dtype is torch.float32 and sigma.device.type == "cpu"
    assert bool((sigma > 0).all()) and bool(sigma.isfinite().all())
    assert torch.equal(sigma, _draw(family))
