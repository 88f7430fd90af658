"""The ultrasound sector of an image as MONAI transforms around ``data.sector_mask``."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform, Transform
from torch import Tensor

from monai_echosynth.data.sector_mask import ScanGeometry, sector_mask
from monai_echosynth.errors import EchoSynthError

__all__ = ["Sector", "Sectord"]


class Sector(Transform):
    """Boolean sector of an image.

    Args:
        geometry: shape of the field of view.
    """

    def __init__(self, geometry: ScanGeometry | str = ScanGeometry.CONVEX) -> None:
        self.geometry = ScanGeometry(geometry)

    def __call__(self, image: Any) -> Tensor:
        """Sector of ``image`` (1, X, Y) or (X, Y): a boolean tensor of the same shape."""
        pixels = image.numpy() if isinstance(image, Tensor) else np.asarray(image)
        flat = pixels[0] if pixels.ndim == 3 and pixels.shape[0] == 1 else pixels
        if flat.ndim != 2:
            raise EchoSynthError(
                f"the sector is that of one frame (1, X, Y) or (X, Y), got shape {pixels.shape}: pick one frame"
            )
        return torch.from_numpy(sector_mask(flat, self.geometry)).reshape(pixels.shape)


class Sectord(MapTransform):
    """Dictionary version of :class:`Sector`, for one image.

    Args:
        keys: the image.
        output_key: where to store the sector.
        geometry: shape of the field of view.
        allow_missing_keys: pass over an absent image.
    """

    def __init__(
        self,
        keys: KeysCollection = "image",
        output_key: str = "sector",
        geometry: ScanGeometry | str = ScanGeometry.CONVEX,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        if len(self.keys) != 1:
            raise EchoSynthError(f"Sectord takes one image, got keys {self.keys}: use one transform per image")
        self.output_key = output_key
        self.extract = Sector(geometry)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Returns a copy of ``data`` with the sector added."""
        items = dict(data)
        for key in self.key_iterator(items):
            items[self.output_key] = self.extract(items[key])
        return items
