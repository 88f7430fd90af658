"""The SPADE-GAN's generator: black outside, answers to style and mask, and keeps what MONAI's SPADE erases."""

from __future__ import annotations

import pytest
import torch
from monai.networks.blocks.spade_norm import SPADE as MonaiSPADE
from torch import nn

from monai_echosynth.errors import EchoSynthError
from monai_echosynth.networks.nets.presets import mask_discriminator, spade_generator
from monai_echosynth.networks.nets.style_autoencoder import StyleAutoencoder
from tests.helpers.tiny_gan import tiny_discriminator, tiny_spade_generator
from tests.helpers.tiny_generator import tiny_seg


def test_frames_are_gray_levels_and_black_outside_the_sector() -> None:
    seg = tiny_seg(2)
    with torch.inference_mode():
        image = tiny_spade_generator()(seg, torch.randn(2, 32))
    assert image.shape == (2, 1, 32, 32)
    assert (image[seg[:, :1] == 1] == 0).all()
    assert image.min() >= 0 and image.max() <= 1 and image.std() > 0.01


def test_answers_to_style_and_mask() -> None:
    network, seg = tiny_spade_generator(), tiny_seg(2)
    style = torch.randn(1, 32, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        first = network(seg[:1], style)
        assert torch.equal(first, network(seg[:1], style))
        assert not torch.allclose(first, network(seg[:1], -style))
        assert not torch.allclose(first, network(seg[1:], style))
        assert torch.equal(network(seg[:1]), network(seg[:1], 0 * style))


def test_scale_and_shift_survive_where_the_map_is_constant() -> None:
    """With its instance norm MONAI's layer makes the same of every constant map, whatever the class."""

    def spread(layer: nn.Module) -> float:
        x = torch.randn(1, layer.mlp_gamma.conv.out_channels, 8, 8, generator=torch.Generator().manual_seed(0))
        maps = [torch.eye(5)[k].reshape(1, 5, 1, 1).expand(1, 5, 8, 8).contiguous() for k in (1, 3)]
        with torch.inference_mode():
            inner = [layer(x, m)[..., 3:5, 3:5] for m in maps]
        return float((inner[0] - inner[1]).abs().mean())

    ours = [layer for layer in tiny_spade_generator().modules() if isinstance(layer, MonaiSPADE)]
    assert len(ours) > 10
    assert all(not hasattr(layer.mlp_gamma, "adn") and not hasattr(layer.mlp_beta, "adn") for layer in ours)
    assert spread(ours[0]) > 1e-3


def test_detail_at_full_resolution_is_not_upsampled() -> None:
    seg = torch.zeros(1, 5, 32, 32)
    seg[:, 4] = 1
    seg[:, 4, 16, 16], seg[:, 1, 16, 16] = 0, 1
    with torch.inference_mode():
        image = tiny_spade_generator()(seg)[0, 0]
    assert not torch.equal(image[16:18, 16:18], image[16:18, 16:18].flip(0))


def test_a_frame_is_drawn_in_the_style_of_another() -> None:
    training, seg = StyleAutoencoder(tiny_spade_generator()), tiny_seg(2)
    image, noise = torch.rand(2, 1, 32, 32), torch.randn(2, 32)
    drawn = training(image, seg, noise)
    mean, log_variance = training.generator.encode(image)
    code = mean + noise * log_variance.exp().sqrt()
    torch.testing.assert_close(drawn.image, training.generator(seg, code))
    assert torch.equal(drawn.real, image) and torch.equal(drawn.mean, mean)
    drawn.image.mean().backward()
    assert all(p.grad is not None for p in training.generator.network.encoder.parameters())


def test_discriminators_see_the_mask_and_have_scales() -> None:
    network, image, seg = tiny_discriminator(), torch.rand(1, 1, 32, 32), tiny_seg(2)
    first, second = (network(image, seg[i : i + 1]) for i in range(2))
    assert not torch.allclose(first[0][0], second[0][0])
    assert len(mask_discriminator("quick", 96)(torch.rand(1, 1, 96, 96), tiny_seg(1, 96))[0]) == 2


def test_sizes() -> None:
    with torch.device("meta"):
        paper = sum(p.numel() for p in spade_generator("spade", 256).parameters())
        small = sum(p.numel() for p in spade_generator("cpu", 128).parameters())
    assert 5e7 < paper < 1.2e8 and small < 2e6
    with pytest.raises(EchoSynthError, match="must have a side that 32 divides, got 100"):
        spade_generator("cpu", 100)
