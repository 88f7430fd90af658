"""Brings sampling positions that leave the sector back into it: mirrored at its edge for images, moved up to it for labels.

A shrunken anatomy does not fill its fixed sector. Mirrored speckle continues the texture across the old edge, where black
gaps would teach a network frames that no scanner makes. In the label, a structure that the far edge had cut (the atrium,
often) goes on to the new edge; beyond the sides there is no structure. The far edge of a convex sector is one row per column
and its sides are two columns per row, so images are mirrored in depth first and sideways then.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

__all__ = ["bring_into_sector"]

_MARGIN = 1.5
"""Pixels between the line of reflection and the sector's edge, where pixels are partly outside and dark."""


def bring_into_sector(positions: Tensor, sector: Tensor) -> tuple[Tensor, Tensor]:
    """Sampling positions inside the sector.

    Args:
        positions: (2, X, Y) fractions of the image, as of ``sampling_map``.
        sector: (X, Y) boolean with at least one True pixel.

    Returns:
        Positions for images and for labels, (2, X, Y) each; unchanged where the position was inside, but for a rim of one
        and a half pixels.
    """
    inside = sector.cpu().numpy()
    first_column, last_column, _, far = _bounds(inside)
    first_row, last_row, left, right = _bounds(np.ascontiguousarray(inside.T))
    width, depth = inside.shape
    column = (positions[0] * width).long().clamp_(first_column, last_column)
    far_edge = ((far - _MARGIN + 1) / depth)[column]
    y = _reflect(positions[1], torch.tensor((first_row + _MARGIN) / depth), far_edge)
    row = (y * depth).long().clamp_(first_row, last_row)
    x = _reflect(positions[0], ((left + _MARGIN) / width)[row], ((right - _MARGIN + 1) / width)[row])
    return torch.stack([x, y]), torch.stack([positions[0], torch.minimum(positions[1], far_edge)])


def _bounds(inside: NDArray[np.bool_]) -> tuple[int, int, Tensor, Tensor]:
    """First and last line of ``inside`` that is not empty; first and last True pixel of every line."""
    lines = np.flatnonzero(inside.any(axis=1))
    first = inside.argmax(axis=1).astype(np.float32)
    last = (inside.shape[1] - 1 - inside[:, ::-1].argmax(axis=1)).astype(np.float32)
    return int(lines[0]), int(lines[-1]), torch.from_numpy(first), torch.from_numpy(last)


def _reflect(value: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """One reflection at either end; what is still outside goes to the end. The ends may cross where the sector is narrow."""
    value = torch.where(value < low, 2 * low - value, torch.where(value > high, 2 * high - value, value))
    return torch.maximum(torch.minimum(value, torch.maximum(high, low)), torch.minimum(low, high))
