"""Loads the input frame of a guided image as a MONAI transform, first in the bundle's pipeline."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform

from monai_echosynth.data.guided_set import read_picture

__all__ = ["LoadPictured"]


class LoadPictured(MapTransform):
    """Adds the picture (1, S, S), float32 in [0, 1], of a path; a black one where the path is empty.

    Args:
        keys: the picture's path.
        name: key of the picture.
        size: side S of the generator's grid; pictures of another size are refused.
        allow_missing_keys: pass over an absent path.
    """

    def __init__(
        self,
        keys: KeysCollection = "source",
        name: str = "image",
        size: int = 128,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.name, self.size = name, size

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Returns a copy of ``data`` with the picture."""
        items = dict(data)
        for key in self.key_iterator(items):
            path = str(items[key])
            gray = torch.from_numpy(read_picture(path, self.size).copy()) if path else None
            picture = torch.zeros(self.size, self.size) if gray is None else gray.float() / 255.0
            items[self.name] = picture[None]
        return items
