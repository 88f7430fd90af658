r"""Convolutions of 3 x 3 with a quarter of the multiplications, by Winograd's minimal filtering F(4 x 4, 3 x 3).

Maps are cut into tiles of 6 x 6 pixels that overlap by 2. For a tile d and a kernel g, the 4 x 4 pixels of the result are
:math:`A^T [(G g G^T) \odot (B^T d B)] A`, where the kernel's transform is computed once. Summed over channels, the product in the
middle is one matrix product for each of the 36 positions: 36 multiplications for 16 pixels, which cost 144 otherwise.

The matrices are those of Toom and Cook's algorithm at the points 0, :math:`\pm\sqrt{1/2}`, :math:`\pm\sqrt 2` and infinity. In
float32 the result is nearly as close to the exact one as that of a direct convolution; the usual points 0, 1, -1, 2 and -2 make
it five times as far off.

References:
    Lavin and Gray, Fast Algorithms for Convolutional Neural Networks, https://arxiv.org/abs/1509.09308
    Barabasz, Anderson, Soodhalter and Gregg, Error Analysis and Improving the Accuracy of Winograd Convolution for Deep Neural
    Networks, https://arxiv.org/abs/1803.10986
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Final

import torch
from torch import Tensor, nn

from monai_echosynth.networks.blocks.packed_convolution import PackedConvolution

__all__ = ["TRANSFORMED_WEIGHTS", "WinogradConvolution", "winograd_matrices"]

_OUT: Final = 4
"""Pixels of the result along the side of a tile."""
_SIDE: Final = _OUT + 2
"""Pixels of the map along the side of a tile."""
_POSITIONS: Final = _SIDE**2
TRANSFORMED_WEIGHTS: Final = _POSITIONS // 9
"""Size of a transformed kernel in kernels."""
_LEAST_PIXELS: Final = 16 * _OUT**2
"""Of a map, so that the transformed kernel, which is larger, is used often enough for each reading."""
_LEAST_CHANNELS: Final = 64
"""In and out: with fewer, the transforms of the map take the time that the products save."""
_CACHED: Final = 4 * 2**20
"""Bytes of a transformed part of a map that stay in a core's cache."""


@cache
def winograd_matrices() -> tuple[Tensor, Tensor, Tensor]:
    """:math:`A^T` (4, 6), G (6, 3) and :math:`B^T` (6, 6), in float64."""
    points = torch.tensor([0.0, 0.5**0.5, -(0.5**0.5), 2**0.5, -(2**0.5)], dtype=torch.float64)
    out, kernel, whole = (_powers(points, count) for count in (_OUT, 3, _SIDE))
    return out.T.contiguous(), kernel, torch.linalg.inv(whole).T.contiguous()


def _powers(points: Tensor, count: int) -> Tensor:
    """Powers 0 to ``count`` - 1 of the points; of infinity, the last row, the highest alone."""
    last = torch.zeros(1, count, dtype=points.dtype)
    last[0, -1] = 1
    return torch.cat([points[:, None] ** torch.arange(count), last])


@cache
def _transforms() -> tuple[Tensor, Tensor]:
    """Of a tile (36, 36) and of what becomes of it (16, 36), both for positions in a row, in float32."""
    out, _, tile = winograd_matrices()
    return torch.kron(tile, tile).float(), torch.kron(out, out).float()


class WinogradConvolution(PackedConvolution):
    """A convolution for inference on a CPU, by minimal filtering where that is faster.

    It is for maps in float32. What is faster is told by the number of channels and the size of the first map, not by the batch.

    Args:
        layer: trained convolution; its weights are transformed on the first call.
    """

    def __init__(self, layer: nn.Conv2d) -> None:
        super().__init__(layer)
        plain = (layer.kernel_size, layer.stride, layer.padding, layer.dilation, layer.groups)
        enough = min(layer.in_channels, layer.out_channels) >= _LEAST_CHANNELS
        self._can = enough and plain == ((3, 3), (1, 1), (1, 1), (1, 1), 1) and layer.padding_mode == "zeros"
        self._kernel: Tensor | None = None

    def convolve(self, x: Tensor, bias: Tensor | None) -> Tensor:
        """Output (B, C', H, W) in channels-last layout for activations (B, C, H, W)."""
        with self._lock:
            if self._can and self._weight is not None:
                self._can = x.shape[2] * x.shape[3] >= _LEAST_PIXELS
                if self._can:
                    self._kernel, self._weight = _transformed(self._weight), None
        return super().convolve(x, bias) if self._kernel is None else _filtered(x, self._kernel, bias)


def _transformed(weight: Tensor) -> Tensor:
    """Kernels (O, C, 3, 3) as matrices (36, C, O)."""
    _, kernel, _ = winograd_matrices()
    whole = torch.einsum("ik,ockl,jl->ijco", kernel, weight.double(), kernel)
    return whole.reshape(_POSITIONS, weight.shape[1], weight.shape[0]).float().contiguous()


def _filtered(x: Tensor, kernel: Tensor, bias: Tensor | None) -> Tensor:
    batch, channels, height, width = x.shape
    rows, columns, outputs = -(-height // _OUT), -(-width // _OUT), kernel.shape[2]
    tile, back = _transforms()
    framed = _framed(x, rows, columns)
    image, line, pixel, _ = framed.stride()
    strides = (line, pixel, image, _OUT * line, _OUT * pixel, 1)
    out = x.new_empty(batch, rows, _OUT, columns, _OUT, outputs)
    budget = max(_CACHED, kernel.numel() * kernel.element_size())
    row_bytes = _POSITIONS * columns * max(channels, outputs) * x.element_size()
    for first, images, top, height_of_part in _parts(batch, rows, max(1, budget // row_bytes)):
        size = (_SIDE, _SIDE, images, height_of_part, columns, channels)
        tiles = framed.as_strided(size, strides, first * image + top * _OUT * line).reshape(_POSITIONS, -1)
        products = torch.bmm((tile @ tiles).view(_POSITIONS, -1, channels), kernel).view(_POSITIONS, -1)
        pixels = (back @ products).view(_OUT, _OUT, images, height_of_part, columns, outputs).permute(2, 3, 0, 4, 1, 5)
        place = out[first : first + images, top : top + height_of_part]
        torch.add(pixels, 0 if bias is None else bias, out=place)
    whole = out.view(batch, rows * _OUT, columns * _OUT, outputs).permute(0, 3, 1, 2)
    return whole[:, :, :height, :width].contiguous(memory_format=torch.channels_last)


def _framed(x: Tensor, rows: int, columns: int) -> Tensor:
    """A map (B, C, H, W) as (B, 4 rows + 2, 4 columns + 2, C) with zeros around it."""
    batch, channels, height, width = x.shape
    framed = x.new_empty(batch, rows * _OUT + 2, columns * _OUT + 2, channels)
    framed[:, 0] = framed[:, height + 1 :] = framed[:, :, 0] = framed[:, :, width + 1 :] = 0
    framed[:, 1 : height + 1, 1 : width + 1] = x.permute(0, 2, 3, 1)
    return framed


def _parts(images: int, rows: int, fitting: int) -> Iterator[tuple[int, int, int, int]]:
    """First image, images, first row and rows of parts with at most ``fitting`` rows of tiles (or one) in all."""
    if fitting >= rows:
        together = fitting // rows
        for first in range(0, images, together):
            yield first, min(together, images - first), 0, rows
        return
    for first in range(images):
        for top in range(0, rows, fitting):
            yield first, 1, top, min(fitting, rows - top)
