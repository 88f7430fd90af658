"""Normalized latents have the statistics they should, and the map is undone exactly."""

from __future__ import annotations

import pytest
import torch

from monai_echosynth.distributions.latent_normalizer import LatentNormalizer


def test_statistics_inside_the_sector() -> None:
    generator = torch.Generator().manual_seed(0)
    latents = 3.0 + 2.0 * torch.randn(4, 1, 16, 16, generator=generator)
    sector = torch.zeros(4, 1, 16, 16)
    sector[..., 4:12, :] = 1
    latents = torch.where(sector > 0, latents, torch.tensor(1e6))
    normalizer = LatentNormalizer(sigma_data=0.5)
    normalizer.fit(latents, sector)
    inside = normalizer.normalize(latents)[sector > 0]
    assert inside.mean().abs() < 1e-5
    assert inside.std().item() == pytest.approx(0.5, abs=1e-5)


def test_round_trip_and_identity_before_fitting() -> None:
    normalizer, latents = LatentNormalizer(0.5), torch.randn(2, 1, 8, 8)
    assert torch.equal(normalizer.normalize(latents), latents)
    normalizer.fit(latents, torch.ones(2, 1, 8, 8))
    torch.testing.assert_close(normalizer.denormalize(normalizer.normalize(latents)), latents)


def test_statistics_travel_with_the_weights() -> None:
    fitted, fresh, latents = LatentNormalizer(), LatentNormalizer(), 5 + torch.randn(2, 1, 8, 8)
    fitted.fit(latents, torch.ones(2, 1, 8, 8))
    fresh.load_state_dict(fitted.state_dict())
    assert torch.equal(fresh.normalize(latents), fitted.normalize(latents))


@pytest.mark.parametrize(("value", "inside"), [(0.0, 1.0), (1.0, 0.0)])
def test_dead_latents_and_empty_sectors_are_refused(value: float, inside: float) -> None:
    latents = torch.full((1, 1, 4, 4), 0.3) + value * torch.randn(1, 1, 4, 4)
    with pytest.raises(ValueError, match="varying latents"):
        LatentNormalizer().fit(latents, torch.full((1, 1, 4, 4), inside))
