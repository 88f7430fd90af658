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

from monai_echosynth.data.masks import read_mask

__all__ = ["LoadMaskd"]

_LOGGER = logging.getLogger(__name__)


class LoadMaskd(MapTransform):
    """Replaces the path of a mask by its semantic map (1, S, S), uint8, with the pixel size in its affine.

    A mask of another size is resampled and the log says so.

    Args:
        keys: the mask's path.
        size: side S of the generator's grid.
        allow_missing_keys: pass over an absent mask.
    """

    def __init__(self, keys: KeysCollection = "label", size: int = 128, allow_missing_keys: bool = False) -> None:
        super().__init__(keys, allow_missing_keys)
        self.size = size

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Returns a copy of ``data`` with maps in place of paths."""
        items = dict(data)
        for key in self.key_iterator(items):
            mask = read_mask({"label": items[key], "image": items.get("image")}, self.size)
            if mask.note:
                _LOGGER.warning(mask.note)
            affine = torch.from_numpy(np.diag([*mask.spacing, 1.0, 1.0]))
            items[key] = MetaTensor(torch.from_numpy(mask.label)[None], affine, {"filename_or_obj": str(data[key])})
        return items
