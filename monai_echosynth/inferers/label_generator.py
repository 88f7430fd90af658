"""A whole generator as one module: a label map in, an image out, with a fixed solver and a fixed number of network calls.

Programs that run a model feed it one tensor. Here that is the label map, and the noise is a buffer: that of image ``index`` of a
set with ``seed``, so that ``forward`` makes the very image that generation would make. The same mask then always gives the same
image; :meth:`LabelGenerator.sample` takes other noise, a vector of unit normal numbers, for other images of the mask. No step
depends on Python or on a global random state, hence the module can be traced.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from monai_echosynth.diffusion.seeding import image_generator
from monai_echosynth.inferers.latent_image import LatentImage

__all__ = ["LabelGenerator"]


class LabelGenerator(nn.Module):
    """Label map to image.

    Args:
        network: denoising network.
        image: solver, noise levels, autoencoder and texture.
        channel_of_id: channel 0..K-1 that each label id takes (N,); other ids count as 0, outside the sector.
        classes: K, channels of the network's mask.
        spatial_size: side of the maps in pixels.
        seed: seed of the set whose noise is the buffer.
        index: position of the image in that set.

    Attributes:
        noise: unit normal numbers (M,), the noise of one image.
    """

    noise: Tensor
    channels: Tensor

    def __init__(
        self,
        network: nn.Module,
        image: LatentImage,
        channel_of_id: Sequence[int],
        classes: int,
        spatial_size: int,
        seed: int = 0,
        index: int = 0,
    ) -> None:
        super().__init__()
        self.network, self.autoencoder = network, image.autoencoder
        self.texture, self.companion = image.texture, image.companion
        self.classes, self.spatial_size = classes, spatial_size
        self._image = image
        self.register_buffer("channels", torch.tensor([max(int(channel), 0) for channel in channel_of_id]))
        draws = self._record(seed, index)
        self._shapes = [tuple(draw.shape) for draw in draws]
        self.register_buffer("noise", torch.cat([draw.flatten() for draw in draws]))
        self.requires_grad_(False).eval()

    def forward(self, label: Tensor) -> Tensor:
        """Image (1, 1, X, Y) in [0, 1] of a label map (1, 1, X, Y) that holds ids; any number type."""
        return self.sample(label, self.noise)

    def sample(self, label: Tensor, noise: Tensor) -> Tensor:
        """:meth:`forward` with other ``noise``: unit normal numbers, as many as the buffer of this name holds."""
        classes = F.one_hot(self.channels[label[:, 0].long()], self.classes)
        seg = classes.permute(0, 3, 1, 2).contiguous().to(noise.dtype)  # as generation lays it out: equal rounding
        parts = torch.split(noise, [math.prod(shape) for shape in self._shapes])
        draws = iter([part.reshape(shape) for part, shape in zip(parts, self._shapes, strict=True)])
        image, _ = self._image(self.network, seg, lambda _: next(draws))
        return image

    def _record(self, seed: int, index: int) -> list[Tensor]:
        """The draws of an image in their order, found by making one."""
        generator, draws = image_generator(seed, index), []

        def draw(size: Sequence[int]) -> Tensor:
            draws.append(torch.randn((1, 1, *size), generator=generator))
            return draws[-1]

        seg = torch.zeros(1, self.classes, self.spatial_size, self.spatial_size)
        seg[:, -1] = 1.0
        with torch.no_grad():
            self._image(self.network, seg, draw)
        return draws
