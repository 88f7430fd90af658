"""CAMUS label and image to the semantic map, as MONAI transforms around ``data.semantic_map`` and ``data.sector_mask``."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform, Transform
from monai.utils import convert_to_dst_type
from torch import Tensor

from monai_echosynth.data.sector_mask import ScanGeometry
from monai_echosynth.data.semantic_map import semantic_map
from monai_echosynth.transforms.sector import Sector

__all__ = ["SemanticMap", "SemanticMapd"]


class SemanticMap(Transform):
    """Semantic map (ids 0..4) of a raw annotation; labels are clipped to the sector."""

    def __call__(self, label: Any, sector: Any, source: object = "label") -> Any:
        """Joins annotation and sector.

        Args:
            label: (1, X, Y) or (X, Y) ids of the annotation.
            sector: boolean of the same shape.
            source: what errors name.

        Returns:
            Semantic map of the shape, type and meta data of ``label``.
        """
        ids = label.numpy() if isinstance(label, Tensor) else np.asarray(label)
        inside = sector.numpy() if isinstance(sector, Tensor) else np.asarray(sector)
        result = torch.from_numpy(semantic_map(ids, inside.astype(bool), source))
        return convert_to_dst_type(result, label, dtype=label.dtype)[0]


class SemanticMapd(MapTransform):
    """Dictionary version: replaces the raw annotation by the semantic map, with the sector of the image beside it.

    Args:
        keys: annotations.
        image_key: image that shows the sector.
        geometry: shape of the field of view.
        allow_missing_keys: pass over keys that are absent.
    """

    def __init__(
        self,
        keys: KeysCollection = "label",
        image_key: str = "image",
        geometry: ScanGeometry | str = ScanGeometry.CONVEX,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.image_key = image_key
        self.sector = Sector(geometry)
        self.join = SemanticMap()

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Returns a copy of ``data`` with semantic maps."""
        items = dict(data)
        sector = self.sector(items[self.image_key])
        for key in self.key_iterator(items):
            items[key] = self.join(items[key], sector, key)
        return items
