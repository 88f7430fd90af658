"""The critic: whom its gradients reach, what it looks at, and that it tells grain."""

from __future__ import annotations

import torch
from torch import Tensor

from monai_echosynth.networks.blocks.morphology import gaussian_smooth
from monai_echosynth.networks.nets.texture_critic import TextureCritic

SIDE = 32


def critic() -> TextureCritic:
    torch.manual_seed(0)
    return TextureCritic()


def grain(count: int, seed: int, smooth: float = 0.0) -> tuple[Tensor, Tensor]:
    """Frames of random grain around .5, white or smoothed to the same contrast, in a sector that leaves a margin."""
    noise = torch.randn(count, 1, SIDE, SIDE, generator=torch.Generator().manual_seed(seed))
    noise = gaussian_smooth(noise, smooth) if smooth else noise
    sector = torch.zeros(count, 1, SIDE, SIDE)
    sector[..., 4:-4, 2:-2] = 1.0
    return (0.5 + 0.1 * noise / noise.std()).clamp(0.0, 1.0) * sector, sector


def test_the_critic_learns_from_judging_alone_and_the_frames_from_doubts_alone() -> None:
    network, (image, sector) = critic(), grain(2, 0)
    image.requires_grad_()
    network.judged(grain(2, 1), (image, sector)).backward()
    assert image.grad is None
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in network.parameters())
    network.zero_grad(set_to_none=True)
    network.doubts(image, sector).backward()
    assert image.grad is not None and image.grad.any()
    assert all(parameter.grad is None for parameter in network.parameters())


def test_doubts_are_the_distance_from_real() -> None:
    network, (image, sector) = critic(), grain(2, 0)
    torch.testing.assert_close(network.doubts(image, sector), network(image, sector, 1.0).detach())


def test_gain_and_what_lies_outside_the_sector_do_not_tell() -> None:
    network, (image, sector) = critic(), grain(2, 0)
    expected = network(image, sector, 1.0)
    outside = torch.where(sector > 0, image, torch.rand(image.shape))
    torch.testing.assert_close(network(outside, sector, 1.0), expected)
    torch.testing.assert_close(network(0.6 * image + 0.2 * sector, sector, 1.0), expected, atol=0.03, rtol=0.03)


def test_learns_to_tell_fine_from_coarse_grain() -> None:
    network = critic()
    optimizer = torch.optim.AdamW(network.parameters(), 2e-3)
    for step in range(40):
        loss = network.judged(grain(4, step), grain(4, 1000 + step, smooth=1.0))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        assert network.doubts(*grain(4, 7)) < 0.2
        assert network.doubts(*grain(4, 7, smooth=1.0)) > 0.5
