"""Between the items of a MONAI pipeline (MetaTensor, tensor or array) and plain tensors, with the grid's physical extent."""

from __future__ import annotations

from typing import Any

import numpy as np
from monai.data import MetaTensor
from monai.utils import convert_to_dst_type
from torch import Tensor, as_tensor

__all__ = ["grid_extent", "like", "plain"]


def plain(item: Any) -> Tensor:
    """Values of ``item`` without meta data; memory is shared."""
    return item.as_tensor() if isinstance(item, MetaTensor) else as_tensor(item)


def like(tensor: Tensor, original: Any) -> Any:
    """``tensor`` as the kind of ``original``, with its meta data."""
    if isinstance(original, MetaTensor):
        return MetaTensor(tensor, meta=original.meta, applied_operations=original.applied_operations)
    return tensor if isinstance(original, Tensor) else convert_to_dst_type(tensor, original)[0]


def grid_extent(label: Any) -> tuple[float, float]:
    """Physical width and depth of the grid; 1 x 1 when the pixel size is unknown."""
    if not isinstance(label, MetaTensor):
        return 1.0, 1.0
    spacing = np.linalg.norm(label.affine.numpy()[:2, :2], axis=0)
    return float(spacing[0] * label.shape[-2]), float(spacing[1] * label.shape[-1])
