"""Resizes frames as the preparation does, and brings soft predictions back to the native grid linearly.

Down to a smaller grid each output pixel is the exact average of the area it covers, up it is linear interpolation
(:mod:`monai_echosynth.data.resample`); a frame that already has the size passes unchanged, so that prepared and native frames
share one preprocessing. The inverse, which ``Invertd`` applies to class probabilities, is linear in both directions:
MONAI's ``Resize`` would invert an area average by an area average, which shows as blocks on the native grid.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import torch
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.data.utils import to_affine_nd
from monai.transforms import InvertibleTransform, MapTransform, Resize
from monai.transforms.utils import scale_affine
from monai.utils import TraceKeys, convert_to_tensor
from torch import Tensor

from monai_echosynth.data.resample import resample_image

__all__ = ["AreaResize", "AreaResized"]


class AreaResize(InvertibleTransform):
    """Resizes a channel-first 2-D image to a fixed size.

    Args:
        spatial_size: size along x and y; one number stands for both.
    """

    def __init__(self, spatial_size: Sequence[int] | int) -> None:
        size = (spatial_size, spatial_size) if isinstance(spatial_size, int) else tuple(spatial_size)
        if len(size) != 2 or min(size) < 1:
            raise ValueError(
                f"spatial_size needs two positive numbers, got {spatial_size}: give the size of a 2-D frame"
            )
        self.spatial_size: tuple[int, int] = (size[0], size[1])

    def __call__(self, image: Tensor) -> MetaTensor:
        """Image (C, X, Y) on the new grid, float32; the affine follows."""
        source: MetaTensor = convert_to_tensor(image, dtype=torch.float32, track_meta=True)
        before = tuple(source.shape[1:])
        resized = source if before == self.spatial_size else self._resample(source)
        result = MetaTensor(resized, meta=dict(source.meta), applied_operations=list(source.applied_operations))
        scale = to_affine_nd(len(source.affine) - 1, scale_affine(before, self.spatial_size))
        result.affine = source.affine @ torch.as_tensor(scale).to(source.affine)
        self.push_transform(result, orig_size=before)
        return result

    def inverse(self, data: MetaTensor) -> MetaTensor:
        """Data (C, X, Y) back on the grid that the image came from, linearly."""
        size = self.pop_transform(data)[TraceKeys.ORIG_SIZE]
        back = Resize(spatial_size=tuple(size), mode="bilinear", align_corners=False)
        with back.trace_transform(False):
            result: MetaTensor = back(data)
        return result

    def _resample(self, source: Tensor) -> Tensor:
        planes = source.cpu().numpy()
        return torch.stack([torch.from_numpy(resample_image(plane, self.spatial_size)) for plane in planes]).to(
            source.device
        )


class AreaResized(MapTransform, InvertibleTransform):
    """Dictionary form of :class:`AreaResize`.

    Args:
        keys: images to resize.
        spatial_size: as :class:`AreaResize`.
        allow_missing_keys: skip keys that an item lacks.
    """

    def __init__(
        self, keys: KeysCollection, spatial_size: Sequence[int] | int, allow_missing_keys: bool = False
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.resizer = AreaResize(spatial_size)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """The item with resized images."""
        return {**data, **{key: self.resizer(data[key]) for key in self.key_iterator(data)}}

    def inverse(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """The item with images on their first grid."""
        return {**data, **{key: self.resizer.inverse(data[key]) for key in self.key_iterator(data)}}
