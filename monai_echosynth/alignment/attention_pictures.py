"""What the heads of an aligner look at: for each frame the middle of its first structure, and each head's map over it."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional as F

from monai_echosynth.networks.blocks.domain_extractor import Domain
from monai_echosynth.networks.nets.domain_aligner import DomainAligner

__all__ = ["attention_pictures"]


@torch.no_grad()
def attention_pictures(aligner: DomainAligner, batch: Mapping[str, Tensor]) -> list[Tensor]:
    """Columns of pictures (B, 1, X, Y) in [0, 1]: the frame with the query marked, its first exemplar, one map a head.

    Args:
        aligner: the network; its coarsest attention is shown, or the finer one where that has none.
        batch: ``image`` (B, 1, X, Y), ``seg`` (B, S, X, Y), ``bank`` (B, k, 1, X, Y) and ``bank_seg``.
    """
    level = 1 if len(aligner.layers()[1].groups) else 0
    layer = aligner.layers()[level]
    image, seg = batch["image"], batch["seg"]
    features = aligner.extractor(image, Domain.SYNTHETIC)[level - 2]
    query = layer.queries(features, F.interpolate(seg, features.shape[-2:], mode="area"))
    marked, heads = image.clone(), []
    for i in range(len(image)):
        bank = aligner.encode_bank(batch["bank"][i], batch["bank_seg"][i])
        place = _middle(F.interpolate(seg[i : i + 1, 1:2], features.shape[-2:], mode="area")[0, 0])
        maps = layer.maps(query[i : i + 1], bank.keys[level], place)[:, :1]
        heads.append(F.interpolate(maps / maps.amax(dim=(2, 3), keepdim=True).clamp_min(1e-8), image.shape[-2:])[:, 0])
        size = image.shape[-1] // features.shape[-1]
        marked[i, 0, place[0] * size : (place[0] + 1) * size, place[1] * size : (place[1] + 1) * size] = 1.0
    return [marked, batch["bank"][:, 0], *(head.unsqueeze(1) for head in torch.stack(heads, dim=1))]


def _middle(share: Tensor) -> tuple[int, int]:
    """Position that has most of the structure, the one nearest to its center of gravity."""
    rows, columns = torch.meshgrid(*(torch.arange(n, device=share.device) for n in share.shape), indexing="ij")
    total = share.sum().clamp_min(1e-8)
    distance = (rows - (share * rows).sum() / total) ** 2 + (columns - (share * columns).sum() / total) ** 2
    best = int((distance + 1e6 * (share < 0.5)).argmin())
    return best // share.shape[1], best % share.shape[1]
