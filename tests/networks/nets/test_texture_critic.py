"""The critic: whom its gradients reach, what it looks at, and that it tells grain."""

from __future__ import annotations

import torch
from torch import Tensor

from monai_echosynth.networks.blocks.morphology import gaussian_smooth
from monai_echosynth.networks.nets.texture_critic import TextureCritic

SIDE = 48


def critic() -> TextureCritic:
    torch.manual_seed(0)
    return TextureCritic()


def grain(count: int, seed: int, smooth: float = 0.0) -> tuple[Tensor, Tensor, Tensor]:
    """Frames of random grain around .5, white or smoothed to the same contrast, in a sector that leaves a margin; and noise."""
    generator = torch.Generator().manual_seed(seed)
    noise, over = (torch.randn(count, 1, SIDE, SIDE, generator=generator) for _ in range(2))
    noise = gaussian_smooth(noise, smooth) if smooth else noise
    sector = torch.zeros(count, 1, SIDE, SIDE)
    sector[..., 4:-4, 2:-2] = 1.0
    return (0.5 + 0.1 * noise / noise.std()).clamp(0.0, 1.0) * sector, sector, over


def test_the_critic_learns_from_judging_alone_and_the_frames_from_doubts_alone() -> None:
    network, real, made = critic(), grain(2, 1), grain(2, 0)
    image = made[0].requires_grad_()
    network.judged(real, made).backward()
    assert image.grad is None
    assert all(parameter.grad is not None for parameter in network.parameters())
    network.zero_grad(set_to_none=True)
    network.doubts(real, made).backward()
    assert image.grad is not None and image.grad.any()
    assert all(parameter.grad is None for parameter in network.parameters())


def test_gain_and_what_lies_outside_the_sector_do_not_tell() -> None:
    network, (image, sector, noise) = critic().eval(), grain(2, 0)
    expected = network(image, sector, noise)
    outside = torch.where(sector > 0, image, torch.rand(image.shape))
    torch.testing.assert_close(network(outside, sector, noise), expected)
    torch.testing.assert_close(network(0.6 * image + 0.2 * sector, sector, noise), expected, atol=1e-4, rtol=1e-4)


def test_gradient_has_no_checkerboard() -> None:
    network, (image, sector, noise) = critic().eval(), grain(1, 0)
    image.requires_grad_()
    network(image, sector, noise).sum().backward()
    size = image.grad[..., 12:-12, 12:-12].abs()
    phases = torch.stack([size[..., i::2, j::2].mean() for i in range(2) for j in range(2)])
    assert phases.max() < 1.5 * phases.min()


def test_learns_to_tell_fine_from_coarse_grain() -> None:
    network = critic()
    optimizer = torch.optim.AdamW(network.parameters(), 2e-3)
    for step in range(60):
        loss = network.judged(grain(4, step), grain(4, 1000 + step, smooth=1.0))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    network.eval()
    with torch.no_grad():
        fine, coarse = network(*grain(8, 7)), network(*grain(8, 7, smooth=1.0))
        doubts = [float(network.doubts(grain(8, 9), grain(8, 7, smooth=smooth))) for smooth in (0.0, 1.0)]
    assert fine.max() < 0 < coarse.min()
    assert doubts[0] < 0.2 and doubts[1] > 1.0
