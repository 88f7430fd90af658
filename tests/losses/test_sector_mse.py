"""The denoising objective by hand, and blind to whatever lies outside the sector."""

from __future__ import annotations

import pytest
import torch

from monai_echosynth.diffusion.denoiser import Denoiser
from monai_echosynth.diffusion.edm import EDM
from monai_echosynth.diffusion.preconditioning import training_target
from monai_echosynth.losses.sector_mean import sector_mean
from monai_echosynth.losses.sector_mse import SectorMSE


def test_average_over_pixels_then_over_the_batch() -> None:
    sector = torch.zeros(2, 1, 2, 2)
    sector[0], sector[1, 0, 0, 0] = 1, 1
    prediction = torch.zeros(2, 1, 2, 2)
    target = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]], [[[6.0, 9.0], [9.0, 9.0]]]])
    loss = SectorMSE()(prediction, {"target": target, "sector": sector})
    assert loss.item() == pytest.approx(((1 + 4 + 9 + 16) / 4 + 36) / 2)


def test_pixels_outside_count_for_nothing() -> None:
    sector = (torch.rand(2, 1, 8, 8) > 0.5).float()
    prediction, target = torch.randn(2, 3, 8, 8, requires_grad=True), torch.randn(2, 3, 8, 8)
    loss = SectorMSE()(prediction, {"target": target, "sector": sector})
    scribbled = torch.where(sector > 0, target, torch.full_like(target, 1e3))
    assert torch.equal(SectorMSE()(prediction, {"target": scribbled, "sector": sector}), loss)
    loss.backward()
    assert prediction.grad is not None
    assert (prediction.grad[(sector == 0).expand_as(prediction)] == 0).all()


def test_channels_share_the_weight() -> None:
    values = torch.stack([torch.ones(4, 4), 3 * torch.ones(4, 4)])[None]
    assert sector_mean(values, torch.ones(1, 1, 4, 4)).item() == pytest.approx(2.0)
    assert sector_mean(values, torch.zeros(1, 1, 4, 4)).item() == 0


def test_equals_the_weighted_denoising_error() -> None:
    """mean (F - y)^2 is mean (D - z)^2 / c_out^2, the weight of the diffusion papers."""
    family, sigma = EDM(0.4), torch.tensor([0.05, 2.0], dtype=torch.float64)
    clean, noise = torch.randn(2, 1, 4, 4, dtype=torch.float64), torch.randn(2, 1, 4, 4, dtype=torch.float64)
    inputs, _, target = training_target(clean, noise, sigma, family)
    loss = SectorMSE()(inputs.sin(), {"target": target, "sector": torch.ones(2, 1, 4, 4)})
    denoised = Denoiser(lambda x, timesteps: x.sin(), family)(clean + sigma.view(-1, 1, 1, 1) * noise, sigma)
    weight = family.coefficients(sigma).out.view(-1, 1, 1, 1) ** -2
    assert loss.item() == pytest.approx((weight * (denoised - clean) ** 2).mean().item(), rel=1e-10)
