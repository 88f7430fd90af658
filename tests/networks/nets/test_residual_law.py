"""The law of a residual is recovered where it is known; slopes are those of ramps."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from monai_echosynth.networks.nets.residual_law import ResidualLaw, slope


def drawn(pixels: int = 400_000) -> tuple[Tensor, Tensor, Tensor]:
    """Decoded intensities, slopes, and residuals of mean -0.1 * decoded and standard deviation 0.02 + 0.1 * decoded + slope."""
    generator = torch.Generator().manual_seed(0)
    decoded = torch.rand(pixels, generator=generator)
    steepness = torch.rand(pixels, generator=generator) * 0.1
    noise = torch.randn(pixels, generator=generator)
    return decoded, steepness, -0.1 * decoded + (0.02 + 0.1 * decoded + steepness) * noise


def test_mean_and_spread_follow_intensity_and_slope() -> None:
    decoded, steepness, residual = drawn()
    law = ResidualLaw()
    law.fit(residual, decoded, steepness, torch.ones_like(decoded))
    level = torch.tensor([0.1, 0.3, 0.5, 0.8]).repeat_interleave(3)
    steep = torch.tensor([0.01, 0.03, 0.06]).repeat(4)
    mean, std = law(level, steep)
    assert torch.allclose(mean, -0.1 * level, atol=0.006)
    assert torch.allclose(std, 0.02 + 0.1 * level + steep, rtol=0.1)


def test_pixels_that_are_left_out_do_not_count() -> None:
    decoded, steepness, residual = drawn()
    inside = (decoded < 0.5).float()
    law, same = ResidualLaw(), ResidualLaw()
    law.fit(residual, decoded, steepness, inside)
    same.fit(torch.where(inside > 0, residual, 9.0), decoded, steepness, inside)
    assert torch.equal(law.std, same.std)
    assert torch.equal(law.mean, same.mean)


def test_nodes_that_no_pixel_reached_take_the_nearest() -> None:
    decoded = torch.full((1000,), 0.4)
    law = ResidualLaw()
    law.fit(torch.randn(1000, generator=torch.Generator().manual_seed(1)), decoded, decoded * 0, torch.ones(1000))
    assert bool((law.std == law.std[6, 0]).all())
    assert float(law.std[0, 0]) == pytest.approx(1.0, abs=0.1)


def test_slope_of_a_ramp_is_its_gradient_up_to_the_edge_of_the_sector() -> None:
    x, y = torch.meshgrid(torch.arange(16.0), torch.arange(16.0), indexing="ij")
    sector = torch.zeros(1, 1, 16, 16)
    sector[..., 3:13, 2:14] = 1
    steepness = slope((0.3 * x + 0.4 * y)[None, None] * sector, sector)
    assert torch.allclose(steepness[..., 4:12, 3:13], torch.tensor(0.5), atol=1e-5)
    assert float(steepness.max()) == pytest.approx(0.5, abs=1e-5)
