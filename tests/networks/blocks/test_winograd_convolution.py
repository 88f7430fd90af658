"""Minimal filtering computes a convolution, as exactly as the direct way."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from monai_echosynth.networks.blocks import winograd_convolution
from monai_echosynth.networks.blocks.packed_convolution import PackedConvolution
from monai_echosynth.networks.blocks.winograd_convolution import WinogradConvolution, winograd_matrices

pytestmark = pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="needs oneDNN")


def _exact(layer: nn.Conv2d, x: Tensor) -> Tensor:
    bias = None if layer.bias is None else layer.bias.double()
    return nn.functional.conv2d(x.double(), layer.weight.double(), bias, padding=1)


def _layer(inputs: int = 64, outputs: int = 64, bias: bool = True) -> nn.Conv2d:
    torch.manual_seed(0)
    return nn.Conv2d(inputs, outputs, 3, padding=1, bias=bias).requires_grad_(False)


def test_matrices_filter_four_numbers() -> None:
    out, kernel, tile = (matrix.numpy() for matrix in winograd_matrices())
    rng = np.random.default_rng(0)
    d, g = rng.normal(size=6), rng.normal(size=3)
    np.testing.assert_allclose(out @ ((kernel @ g) * (tile @ d)), np.correlate(d, g), atol=1e-12)


@pytest.mark.parametrize("size", [(16, 16), (16, 20), (18, 21), (64, 5), (17, 16)])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("cached", [1, 4 * 2**20])
def test_it_is_the_convolution(
    size: tuple[int, int], layout: torch.memory_format, cached: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of maps whose sides are no multiples of a tile's too, in one part or row by row."""
    monkeypatch.setattr(winograd_convolution, "_CACHED", cached)
    layer = _layer(64, 80)
    x = torch.randn(3, 64, *size).contiguous(memory_format=layout)
    filtered = WinogradConvolution(layer)
    found = filtered(x)
    assert filtered._kernel is not None  # not the direct way
    assert found.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(found.double(), _exact(layer, x), rtol=0, atol=1e-5)


def test_it_is_about_as_exact_as_the_direct_way() -> None:
    layer, x = _layer(256, 256), torch.randn(1, 256, 32, 32)
    errors = [(kind(layer)(x) - _exact(layer, x)).abs().max() for kind in (WinogradConvolution, PackedConvolution)]
    assert errors[0] < 4 * errors[1]


def test_a_map_stands_still_under_the_unit_kernel() -> None:
    layer = _layer(bias=False)
    layer.weight.zero_()
    layer.weight[:, :, 1, 1] = torch.eye(64)
    x = torch.randn(2, 64, 16, 16)
    torch.testing.assert_close(WinogradConvolution(layer)(x), x, rtol=0, atol=1e-5)


def test_another_bias() -> None:
    layer, x, bias = _layer(), torch.randn(1, 64, 16, 16), torch.randn(64)
    found = WinogradConvolution(layer).convolve(x, bias)
    torch.testing.assert_close(found, nn.functional.conv2d(x, layer.weight, bias, padding=1), rtol=0, atol=1e-5)


def test_an_image_has_the_same_bytes_beside_others_and_in_any_lane() -> None:
    filtered, x = WinogradConvolution(_layer()), torch.randn(4, 64, 20, 20)
    threads = torch.get_num_threads()

    def lane(image: Tensor) -> Tensor:
        torch.set_num_threads(1)
        return filtered(image)

    try:
        alone = [lane(image) for image in x.split(1)]
        with ThreadPoolExecutor(2) as pool:
            assert all(map(torch.equal, pool.map(lane, x.split(1)), alone))
    finally:
        torch.set_num_threads(threads)


@pytest.mark.parametrize(
    ("layer", "side"),
    [
        (nn.Conv2d(64, 64, 3, padding=1), 8),
        (nn.Conv2d(32, 64, 3, padding=1), 16),
        (nn.Conv2d(64, 64, 3, 2, padding=1), 32),
        (nn.Conv2d(64, 64, 1), 16),
        (nn.Conv2d(64, 64, 3, padding=1, groups=2), 16),
        (nn.Conv2d(64, 64, 3, padding=2, dilation=2), 16),
    ],
    ids=["small map", "few channels", "stride", "kernel", "groups", "dilation"],
)
def test_the_direct_way_elsewhere(layer: nn.Conv2d, side: int) -> None:
    layer.requires_grad_(False)
    x = torch.randn(2, layer.in_channels, side, side)
    other = WinogradConvolution(layer)
    torch.testing.assert_close(other(x), layer(x), rtol=0, atol=1e-5)
    assert other._kernel is None
    larger = torch.randn(1, layer.in_channels, 2 * side, 2 * side)
    torch.testing.assert_close(other(larger), layer(larger), rtol=0, atol=1e-5)
