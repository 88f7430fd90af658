"""Histogram matching inside the sector: the baseline that knows gray levels and nothing else."""

from __future__ import annotations

import torch
from torch import Tensor

from monai_echosynth.errors import EchoSynthError

__all__ = ["match_histogram"]


def match_histogram(image: Tensor, sector: Tensor, exemplar: Tensor, exemplar_sector: Tensor) -> Tensor:
    """Frame whose in-sector gray levels have the distribution of an exemplar's; their order stays.

    Args:
        image: (1, X, Y) in [0, 1].
        sector: (1, X, Y), above 0 inside.
        exemplar: real frame (1, X, Y).
        exemplar_sector: its sector.

    Returns:
        (1, X, Y), unchanged outside the sector.

    Raises:
        EchoSynthError: a sector is empty.
    """
    inside, wanted = image[sector > 0], exemplar[exemplar_sector > 0]
    if not len(inside) or not len(wanted):
        raise EchoSynthError("histograms are matched inside the sector, got an empty one: look at the masks")
    rank = torch.empty_like(inside)
    rank[inside.argsort(stable=True)] = torch.linspace(0, 1, len(inside), dtype=inside.dtype)
    place = rank * (len(wanted) - 1)
    levels, low = wanted.sort().values, place.floor().long()
    high = (low + 1).clamp_max(len(wanted) - 1)
    found = image.clone()
    found[sector > 0] = levels[low] + (place - low) * (levels[high] - levels[low])
    return found
