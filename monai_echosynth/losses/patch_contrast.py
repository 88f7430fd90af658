r"""Patch-wise contrast: features at a place must be told from those at other places of the same frame.

.. math:: L = -\frac{1}{N} \sum_p \log \frac{e^{v_p \cdot w_p / \tau}}{\sum_q e^{v_p \cdot w_q / \tau}}

for unit vectors v, w of two views of one frame: here an aligned frame and the synthetic one it came from, or its mask.

References:
    Park et al., "Contrastive Learning for Unpaired Image-to-Image Translation", ECCV 2020, https://arxiv.org/abs/2007.15651
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

__all__ = ["patch_contrast"]


def patch_contrast(first: Tensor, second: Tensor, valid: Tensor, temperature: float = 0.1, places: int = 64) -> Tensor:
    """Scalar loss, log N at chance.

    Args:
        first: features (B, C, h, w) of one view.
        second: features (B, C, h, w) of the other.
        valid: (B, 1, h, w), 1 where a place counts.
        temperature: of the softmax.
        places: N, places of a frame that are compared, evenly spaced over those that count.
    """
    losses = []
    for one, other, mask in zip(first, second, valid, strict=True):
        chosen = (mask.flatten() > 0).nonzero().flatten()
        if len(chosen) < 2:
            continue
        chosen = chosen[torch.linspace(0, len(chosen) - 1, min(places, len(chosen))).round().long().to(chosen.device)]
        v, w = (F.normalize(side.float().flatten(1)[:, chosen].T, dim=1) for side in (one, other))
        losses.append(F.cross_entropy(v @ w.T / temperature, torch.arange(len(v), device=v.device)))
    return torch.stack(losses).mean() if losses else first.sum() * 0.0
