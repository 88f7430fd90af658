"""A frame and a volume of one slice are the same pixels: the slice axis is dropped on the way in and, for viewers, put back.

Viewers of volumes such as 3D Slicer store a frame (X, Y) as (X, Y, 1), and MONAI Label writes the pixel size of a label map only
where the map has three axes.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
from monai.config import KeysCollection
from monai.transforms import MapTransform

from monai_echosynth.transforms.tensor_items import like, plain

__all__ = ["AddSliceAxisd", "DropSliceAxisd"]

_SHAPE = "spatial_shape"


class DropSliceAxisd(MapTransform):
    """Makes (C, X, Y) of (C, X, Y, 1); anything else passes unchanged.

    Args:
        keys: channel-first images.
        allow_missing_keys: pass over keys that an item lacks.
    """

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Returns a copy of ``data`` with frames."""
        items = dict(data)
        for key in self.key_iterator(items):
            item = plain(items[key])
            if item.ndim == 4 and item.shape[-1] == 1:
                items[key] = like(item[..., 0], items[key])
        return items


class AddSliceAxisd(MapTransform):
    """Makes (C, X, Y, 1) of (C, X, Y), and says in the meta data of the image that its grid has that third axis.

    Args:
        keys: channel-first maps.
        image_key: the image whose grid the maps lie on.
        allow_missing_keys: pass over keys that an item lacks.
    """

    def __init__(self, keys: KeysCollection, image_key: str = "image", allow_missing_keys: bool = False) -> None:
        super().__init__(keys, allow_missing_keys)
        self.image_key = image_key

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Returns a copy of ``data`` with maps of one slice."""
        items = dict(data)
        for key in self.key_iterator(items):
            items[key] = like(plain(items[key])[..., None], items[key])
        meta = items[self.image_key].meta
        meta[_SHAPE] = np.asarray([*np.asarray(meta[_SHAPE])[:2], 1])
        return items
