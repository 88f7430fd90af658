"""Loads the masks of ``load_masks`` as a MONAI transform, first in a generation bundle's pipeline."""

from __future__ import annotations

import logging
from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.transforms import MapTransform

from monai_echosynth.data.masks import Mask, read_mask

__all__ = ["LoadMaskd"]

_LOGGER = logging.getLogger(__name__)
_REMEMBERED = 4096  # maps; 64 MiB at 128 x 128


class LoadMaskd(MapTransform):
    """Replaces the path of a mask by its semantic map (1, S, S), uint8, with the pixel size in its affine.

    A mask of another size is resampled and the log says so. The first maps are remembered, since a set uses each several times.

    Args:
        keys: the mask's path.
        size: side S of the generator's grid.
        allow_missing_keys: pass over an absent mask.
    """

    def __init__(self, keys: KeysCollection = "label", size: int = 128, allow_missing_keys: bool = False) -> None:
        super().__init__(keys, allow_missing_keys)
        self.size = size
        self._remembered: dict[tuple[str, str], Mask] = {}

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Returns a copy of ``data`` with maps in place of paths."""
        items = dict(data)
        for key in self.key_iterator(items):
            mask = self._read(str(items[key]), str(items.get("image") or ""))
            affine = torch.from_numpy(np.diag([*mask.spacing, 1.0, 1.0]))
            items[key] = MetaTensor(
                torch.from_numpy(mask.label.copy())[None], affine, {"filename_or_obj": str(data[key])}
            )
        return items

    def _read(self, label: str, image: str) -> Mask:
        if (label, image) in self._remembered:
            return self._remembered[label, image]
        mask = read_mask({"label": label, "image": image}, self.size)
        if mask.note:
            _LOGGER.warning(mask.note)
        if len(self._remembered) < _REMEMBERED:
            self._remembered[label, image] = mask
        return mask
