"""The texture recovers the law of residuals whose law is known."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from monai_echosynth.networks.nets.speckle_texture import SpeckleTexture


def frames(count: int = 24, size: int = 64) -> tuple[Tensor, Tensor, Tensor]:
    """Images whose residual has standard deviation 0.02 + 0.1 * decoded and is smoothed laterally by (1, 1) / sqrt(2)."""
    generator = torch.Generator().manual_seed(0)
    decoded = torch.rand((count, 1, 1, size), generator=generator).expand(-1, -1, size, -1) * 0.8
    noise = torch.randn((count, 1, size + 1, size), generator=generator)
    smooth = (noise[..., 1:, :] + noise[..., :-1, :]) / 2**0.5
    sector = torch.zeros(count, 1, size, size)
    sector[..., 6:-6, 3:-3] = 1
    return (decoded + (0.02 + 0.1 * decoded) * smooth) * sector, decoded * sector, sector


def generators(count: int, seed: int = 100) -> list[torch.Generator]:
    return [torch.Generator().manual_seed(seed + i) for i in range(count)]


def lag_one(unit: Tensor, dim: int) -> float:
    size = unit.shape[dim]
    a, b = unit.narrow(dim, 0, size - 1), unit.narrow(dim, 1, size - 1)
    return float((a * b).mean() / unit.square().mean())


def test_adds_nothing_before_it_is_fitted() -> None:
    decoded = torch.rand(2, 1, 32, 32)
    assert not SpeckleTexture()(decoded, torch.ones_like(decoded), generators(2)).any()


def test_draws_have_the_variance_and_the_correlation_of_the_residual() -> None:
    texture = SpeckleTexture()
    texture.fit(*frames())
    decoded = torch.full((24, 1, 64, 64), 0.5)
    draws = texture(decoded, torch.ones_like(decoded), generators(24))[..., 8:-8, 8:-8]
    assert float(draws.std()) == pytest.approx(0.07, rel=0.06)
    assert lag_one(draws, 2) == pytest.approx(0.5, abs=0.1)
    assert lag_one(draws, 3) == pytest.approx(0.0, abs=0.05)


def test_variance_does_not_depend_on_depth_where_bands_blend() -> None:
    texture = SpeckleTexture(bands=3)
    texture.law.std.fill_(1.0)
    texture.kernels[1, 0] = F.normalize(torch.ones(9, 9).flatten(), dim=0).view(9, 9)
    decoded = torch.full((200, 1, 48, 48), 0.5)
    draws = texture(decoded, torch.ones_like(decoded), generators(200))[..., 8:-8, 8:-8]
    assert torch.allclose(draws.std(dim=(0, 1, 2)), torch.ones(32), atol=0.08)


def test_an_image_depends_on_its_own_generator_alone() -> None:
    texture = SpeckleTexture()
    texture.fit(*frames())
    decoded = torch.rand(3, 1, 64, 64)
    together = texture(decoded, torch.ones_like(decoded), generators(3))
    alone = texture(decoded[2:], torch.ones_like(decoded[2:]), generators(1, seed=102))
    assert torch.allclose(together[2:], alone, atol=1e-6)


def test_an_empty_sector_is_refused() -> None:
    image, decoded, sector = frames(2)
    with pytest.raises(ValueError, match="sector"):
        SpeckleTexture().fit(image, decoded, sector * 0)
