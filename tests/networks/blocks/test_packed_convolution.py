"""Packed weights change where the numbers lie, not what comes out."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch import nn

from monai_echosynth.networks.blocks.packed_convolution import PackedConvolution, pack_convolutions
from tests.helpers.tiny_generator import tiny_autoencoder

pytestmark = pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="needs oneDNN")


@pytest.mark.parametrize(("kernel", "stride"), [(3, 1), (3, 2), (1, 1)])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_maps_of_any_size_by_any_thread(kernel: int, stride: int, layout: torch.memory_format) -> None:
    torch.manual_seed(0)
    layer = nn.Conv2d(16, 24, kernel, stride, kernel // 2).requires_grad_(False)
    packed = PackedConvolution(layer)
    maps = [torch.randn(batch, 16, side, side).contiguous(memory_format=layout) for batch, side in ((1, 8), (3, 20))]
    with torch.inference_mode(), ThreadPoolExecutor(2) as pool:
        for x, found in zip(maps * 2, pool.map(packed, maps * 2), strict=True):
            torch.testing.assert_close(found, layer(x), rtol=0, atol=1e-5)


def test_another_bias() -> None:
    layer, x = nn.Conv2d(8, 8, 3, padding=1).requires_grad_(False), torch.randn(1, 8, 6, 6)
    bias = torch.randn(8)
    found = PackedConvolution(layer).convolve(x, bias)
    torch.testing.assert_close(found, nn.functional.conv2d(x, layer.weight, bias, padding=1), rtol=0, atol=1e-5)


def test_a_decoder_decodes_as_before() -> None:
    decoder, z = tiny_autoencoder().decoder.requires_grad_(False), torch.randn(1, 1, 16, 16)
    expected = decoder(z)
    assert pack_convolutions(decoder) > 5
    torch.testing.assert_close(decoder(z), expected, rtol=0, atol=1e-4)
