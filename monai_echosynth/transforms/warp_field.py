r"""Where each output pixel looks in the input: a smooth displacement that cannot fold, then an inverse affine map.

The sampling map is :math:`\varphi(p) = A (p + u(p) - c) + c` with :math:`A` the inverse of the forward affine map (so a scale
of 0.8 shrinks the anatomy) and :math:`u` a sum of cosines with Lipschitz constant :math:`L < 1`. Since
:math:`|p + u(p) - q - u(q)| \ge (1 - L) |p - q|`, the first step is one-to-one, and so is the second:
:math:`\det \nabla\varphi = \det A \cdot \det(I + \nabla u) \ge \det A \cdot (1 - L)^2 > 0` everywhere, whatever is drawn.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from monai_echosynth.transforms.warp_parameters import WarpParameters

__all__ = ["affine_matrix", "sampling_map"]


def affine_matrix(warp: WarpParameters, extent: tuple[float, float] = (1.0, 1.0)) -> NDArray[np.float64]:
    """Matrix A (2, 2) of the sampling map in fractions of the image.

    Args:
        warp: drawn parameters.
        extent: physical width and depth of the image; a rotation stays a rotation in millimeters on a squeezed grid.
    """
    cos, sin = np.cos(warp.rotation), np.sin(warp.rotation)
    rotation = np.array([[cos, -sin], [sin, cos]])
    shear = np.array([[1.0, warp.shear], [0.0, 1.0]])
    unit = np.diag(extent)
    return np.linalg.inv(np.linalg.inv(unit) @ rotation @ (warp.scale * shear) @ unit)


def sampling_map(warp: WarpParameters, shape: tuple[int, int], extent: tuple[float, float] = (1.0, 1.0)) -> Tensor:
    """Sampling positions of every pixel.

    Args:
        warp: drawn parameters.
        shape: (X, Y).
        extent: physical width and depth of the image, any unit.

    Returns:
        (2, X, Y) float32, x and y as fractions of the image: 0 and 1 are its outer edges.
    """
    x, cos_x = _axis(shape[0], warp.elastic.shape[1])
    y, cos_y = _axis(shape[1], warp.elastic.shape[2])
    bent_x, bent_y = cos_x.T @ torch.from_numpy(warp.elastic.astype(np.float32)) @ cos_y
    bent_x, bent_y = bent_x + x[:, None], bent_y + y
    matrix = affine_matrix(warp, extent)
    offset = 0.5 - matrix @ np.array([0.5, 0.5 + warp.shift])
    rows = zip(matrix.tolist(), offset.tolist(), strict=True)
    return torch.stack([a * bent_x + b * bent_y + c for (a, b), c in rows])


@lru_cache(maxsize=32)
def _axis(size: int, modes: int) -> tuple[Tensor, Tensor]:
    """Pixel centers (size,) and the cosine basis (modes, size)."""
    centers = (torch.arange(size, dtype=torch.float32) + 0.5) / size
    return centers, torch.cos(torch.arange(modes)[:, None] * torch.pi * centers)
