"""8-bit convolutions stay within the rounding of 8 bits, wherever the activations lie."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from monai_echosynth.networks.blocks.int8_convolutions import Int8Convolution, int8_convolutions
from tests.helpers.tiny_generator import tiny_autoencoder

pytestmark = pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="needs oneDNN")


@pytest.mark.parametrize("shift", [0.0, 3.0, -3.0])
@pytest.mark.parametrize("stride", [1, 2])
def test_error_is_that_of_rounding(shift: float, stride: int) -> None:
    torch.manual_seed(0)
    layer = nn.Conv2d(16, 24, 3, stride, 1).requires_grad_(False)
    x = torch.randn(2, 16, 20, 20) + shift
    span = float(x.max().clamp_min(0) - x.min().clamp_max(0))
    error = (Int8Convolution(layer)(x) - layer(x)).abs()
    assert error.max() < 6 * span / 255 * 0.3 * float(layer.weight.square().sum((1, 2, 3)).max()) ** 0.5 + 0.02
    assert error.mean() < 0.02


def test_constant_activations_are_exact_enough() -> None:
    layer = nn.Conv2d(8, 8, 3, padding=1).requires_grad_(False)
    for value in (0.0, 2.0):
        x = torch.full((1, 8, 6, 6), value)
        torch.testing.assert_close(Int8Convolution(layer)(x), layer(x), rtol=0, atol=0.02)


def test_a_decoder_keeps_its_ends() -> None:
    decoder = tiny_autoencoder().decoder.requires_grad_(False)
    assert int8_convolutions(decoder) > 0
    left = [module for module in decoder.modules() if type(module) is nn.Conv2d]
    assert {min(module.in_channels, module.out_channels) for module in left} == {1}
