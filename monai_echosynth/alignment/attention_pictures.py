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
        aligner: the network, with a layer that has heads; those of the finer layer come first.
        batch: ``image`` (B, 1, X, Y), ``seg`` (B, S, X, Y), ``bank`` (B, k, 1, X, Y) and ``bank_seg``.
    """
    image, seg = batch["image"], batch["seg"]
    banks = [aligner.encode_bank(*parts) for parts in zip(batch["bank"], batch["bank_seg"], strict=True)]
    every = aligner.extractor(image, Domain.SYNTHETIC)[-2:]
    marked, columns = image.clone(), list[Tensor]()
    for level, (layer, features) in enumerate(zip(aligner.layers(), every, strict=True)):
        if not len(layer.groups):
            continue
        query = layer.queries(features, F.interpolate(seg, features.shape[-2:], mode="area"))
        marked, heads = image.clone(), []
        for i, bank in enumerate(banks):
            place = _middle(F.interpolate(seg[i : i + 1, 1:2], features.shape[-2:], mode="area")[0, 0])
            maps = layer.maps(query[i : i + 1], bank.keys[level], place)[:, :1]
            scaled = maps / maps.amax(dim=(2, 3), keepdim=True).clamp_min(1e-8)
            heads.append(F.interpolate(scaled, image.shape[-2:])[:, 0])
            size = image.shape[-1] // features.shape[-1]
            marked[i, 0, place[0] * size : (place[0] + 1) * size, place[1] * size : (place[1] + 1) * size] = 1.0
        columns += [head.unsqueeze(1) for head in torch.stack(heads, dim=1)]
    return [marked, batch["bank"][:, 0], *columns]


def _middle(share: Tensor) -> tuple[int, int]:
    """Position that has most of the structure, the one nearest to its center of gravity."""
    rows, columns = torch.meshgrid(*(torch.arange(n, device=share.device) for n in share.shape), indexing="ij")
    total = share.sum().clamp_min(1e-8)
    distance = (rows - (share * rows).sum() / total) ** 2 + (columns - (share * columns).sum() / total) ** 2
    best = int((distance + 1e6 * (share < 0.5)).argmin())
    return best // share.shape[1], best % share.shape[1]
