"""The discrete table of noise levels and its index."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from monai.networks.schedulers import DDPMScheduler

from monai_echosynth.diffusion.denoiser import Denoiser
from monai_echosynth.diffusion.iddpm import IDDPM, BetaSchedule
from monai_echosynth.errors import EchoSynthError


def test_linear_table_equals_cumulative_product() -> None:
    signal = np.cumprod(1 - np.linspace(1e-4, 0.02, 1000))
    expected = torch.from_numpy(np.sqrt((1 - signal) / signal))
    torch.testing.assert_close(IDDPM(schedule=BetaSchedule.LINEAR).table, expected, rtol=1e-10, atol=0)


def test_scaled_linear_table_is_linear_in_the_root_of_beta() -> None:
    signal = np.cumprod(1 - np.linspace(0.0015**0.5, 0.0195**0.5, 1000) ** 2)
    family = IDDPM(schedule=BetaSchedule.SCALED_LINEAR, beta_start=0.0015, beta_end=0.0195)
    torch.testing.assert_close(family.table, torch.from_numpy(np.sqrt((1 - signal) / signal)), rtol=1e-10, atol=0)


def test_cosine_table_follows_the_cosine_where_beta_is_not_clipped() -> None:
    u = np.arange(1, 901) / 1000
    signal = np.cos(np.pi / 2 * (u + 0.008) / 1.008) ** 2 / np.cos(np.pi / 2 * 0.008 / 1.008) ** 2
    expected = torch.from_numpy(np.sqrt((1 - signal) / signal))
    table = IDDPM().table
    assert len(table) == 1000 and bool((table.diff() > 0).all())
    torch.testing.assert_close(table[:900], expected, rtol=1e-9, atol=0)


@pytest.mark.parametrize("schedule", list(BetaSchedule))
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_noise_coefficient_is_the_index(schedule: BetaSchedule, dtype: torch.dtype) -> None:
    family = IDDPM(schedule=schedule)
    index = family.coefficients(family.table.to(dtype)).noise
    assert torch.equal(index, torch.arange(1000, dtype=dtype))


@pytest.mark.parametrize("schedule", [BetaSchedule.LINEAR, BetaSchedule.SCALED_LINEAR])
def test_denoiser_is_the_prediction_of_a_ddpm_of_monai(schedule: BetaSchedule) -> None:
    """The same network and noisy image, scaled as either side has it, give the same clean image."""
    betas = {"beta_start": 0.0015, "beta_end": 0.0195}
    signal = DDPMScheduler(1000, schedule=f"{schedule}_beta", **betas).alphas_cumprod
    family, x = IDDPM(schedule=schedule, **betas), torch.randn(2, 1, 4, 4)

    def network(x: torch.Tensor, timesteps: torch.Tensor) -> torch.Tensor:
        return torch.sin(x) + timesteps.view(-1, 1, 1, 1) / 1000

    for t in (0, 500, 999):
        expected = (x - (1 - signal[t]).sqrt() * network(x, torch.tensor([t, t]))) / signal[t].sqrt()
        found = Denoiser(network, family)(x / signal[t].sqrt(), family.table[t])
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


def test_nearest_index_between_and_beyond_levels() -> None:
    family = IDDPM(num_train_timesteps=50)
    sigma = torch.logspace(-4, 5, 400, dtype=torch.float64)
    nearest = (family.table - sigma[:, None]).abs().argmin(1)
    assert torch.equal(family.coefficients(sigma).noise, nearest.double())


def test_sampling_starts_below_the_cap() -> None:
    family = IDDPM()
    assert float(family.table[-1]) > 1e4
    assert family.sigma_max <= 160 < float(family.table[family.table > family.sigma_max][0])
    assert set(family.sigmas(37).tolist()[:-1]) <= set(family.table.tolist())


def test_bad_settings_are_refused() -> None:
    with pytest.raises(EchoSynthError, match="num_train_timesteps must be at least 2, got 1"):
        IDDPM(num_train_timesteps=1)
    with pytest.raises(EchoSynthError, match="sigma_cap must exceed"):
        IDDPM(sigma_cap=1e-6)
