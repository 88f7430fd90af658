"""One layer of cross-attention from synthetic to real features, with heads of several reaches.

A query is what a synthetic frame shows at a place together with the structure its mask has there; keys are the same of the real
frames. Both share the embedding of structures, so that from the start a place of the myocardium looks at myocardium.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from monai_echosynth.networks.blocks.bank_attention import BankAttention

__all__ = ["CrossDomainAttention"]


class CrossDomainAttention(nn.Module):
    """Projections and heads.

    Args:
        channels: features in and out.
        structures: channels of the membership maps.
        windows: reach of each group of heads, a window side in positions or ``None`` for the whole map; channels are divided
            among the groups, and without any the attended features are zero.
        heads: heads of a group.
        chunk: frames of the bank that are taken together.
    """

    def __init__(
        self, channels: int, structures: int, windows: Sequence[int | None], heads: int = 2, chunk: int = 16
    ) -> None:
        super().__init__()
        self.query = nn.Conv2d(channels, channels, 1)
        self.key = nn.Conv2d(channels, channels, 1)
        self.value = nn.Conv2d(channels, channels, 1)
        self.structure = nn.Conv2d(structures, channels, 1, bias=False)
        self.join = nn.Conv2d(channels, channels, 1)
        self.groups = nn.ModuleList(BankAttention(heads, window, chunk) for window in windows)
        nn.init.normal_(self.structure.weight, std=2.0 * heads**-0.5)

    def queries(self, features: Tensor, seg: Tensor) -> Tensor:
        """Queries (B, C, h, w) of features (B, C, h, w) and membership maps (B, S, h, w)."""
        return torch.as_tensor(self.query(features) + self.structure(seg))

    def keys(self, features: Tensor, seg: Tensor) -> Tensor:
        """Keys (K, C, h, w) of real frames."""
        return torch.as_tensor(self.key(features) + self.structure(seg))

    def values(self, features: Tensor) -> Tensor:
        """Values (K, C, h, w) of real frames."""
        return torch.as_tensor(self.value(features))

    def forward(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """Attended features (B, C, h, w) of queries (B, C, h, w), keys and values (G, K, C, h, w)."""
        count = len(self.groups)
        if count == 0:
            return torch.zeros_like(query)
        parts = zip(query.chunk(count, dim=1), key.chunk(count, dim=2), value.chunk(count, dim=2), strict=True)
        found = [group(*part) for group, part in zip(self.groups, parts, strict=True)]
        return torch.as_tensor(self.join(torch.cat(found, dim=1)))

    def maps(self, query: Tensor, key: Tensor, position: tuple[int, int]) -> Tensor:
        """Where each head looks from one position: (heads of all reaches, K, h, w), of one query map and a shared bank."""
        count = len(self.groups)
        parts = zip(query.chunk(count, dim=1), key.chunk(count, dim=2), strict=True)
        groups = (group for group in self.groups if isinstance(group, BankAttention))
        return torch.cat([group.weights(*part, position) for group, part in zip(groups, parts, strict=True)])
