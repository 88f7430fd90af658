r"""Multi-head attention from the features of a frame to those of a bank of frames.

Queries are the positions of a frame, keys and values the positions of every frame of the bank. A head looks either at the whole
map of each bank frame (global) or at the window around the query (local): the map is cut into windows of :math:`w \times w`
queries, and the keys of a window are those of the same window in every bank frame, wider by half a window on each side so that
what neighboring windows see overlaps.

The bank is taken in chunks of frames. With :math:`o_c, \ell_c` the output and the log-sum-exp of the scores of chunk c,

.. math:: \ell = \log \sum_c e^{\ell_c}, \qquad o = \sum_c e^{\ell_c - \ell} o_c

is the attention over all of them, so that memory beyond the bank itself is that of one chunk. Products run in
``scaled_dot_product_attention``.

References:
    Vaswani et al., "Attention Is All You Need", NeurIPS 2017, https://arxiv.org/abs/1706.03762
    Rabe and Staats, "Self-attention Does Not Need O(n^2) Memory", 2021, https://arxiv.org/abs/2112.05682
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from monai_echosynth.errors import EchoSynthError

__all__ = ["BankAttention"]


class BankAttention(nn.Module):
    """Attention without weights of its own: queries, keys and values come projected.

    Args:
        heads: number of heads; channels are divided among them.
        window: side of a local window in positions, ``None`` for the whole map.
        chunk: frames of the bank that are taken together.
    """

    def __init__(self, heads: int, window: int | None = None, chunk: int = 16) -> None:
        super().__init__()
        if heads < 1 or chunk < 1 or (window is not None and window < 2):
            raise EchoSynthError(
                f"attention needs heads and chunk from 1 and windows from 2, got {heads}, {chunk}, {window}: correct them"
            )
        self.heads, self.window, self.chunk = heads, window, chunk

    def forward(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """Attended values.

        Args:
            query: (B, C, h, w).
            key: (G, K, C, h, w), G = B for a bank of each frame, G = 1 for one that all share.
            value: (G, K, E, h, w).

        Returns:
            (B, E, h, w); the channels of a head lie together.

        Raises:
            EchoSynthError: the bank is empty, or of other channels or another size than the queries.
        """
        self._check(query, key, value)
        frames, shared = query.shape[0], key.shape[0] == 1
        queries = self._queries(query)
        if shared:  # queries of one window of all frames side by side: (W, heads, B T, d)
            queries = queries.unflatten(0, (frames, -1)).permute(1, 2, 0, 3, 4).flatten(2, 3)
        output = self._attend(queries, key, value)
        if shared:
            output = output.unflatten(2, (frames, -1)).permute(2, 0, 1, 3, 4).flatten(0, 1)
        return self._joined(output, query.shape)

    def _attend(self, queries: Tensor, key: Tensor, value: Tensor) -> Tensor:
        parts = [slice(start, start + self.chunk) for start in range(0, key.shape[1], self.chunk)]
        keys, values = self._keys(key[:, parts[0]]), self._keys(value[:, parts[0]])
        output = F.scaled_dot_product_attention(queries, keys, values)
        if len(parts) == 1:
            return output
        total = _log_sum(queries, keys)
        for part in parts[1:]:
            keys, values = self._keys(key[:, part]), self._keys(value[:, part])
            log_sum = _log_sum(queries, keys)
            together = torch.logaddexp(total, log_sum)
            found = F.scaled_dot_product_attention(queries, keys, values)
            output = output * (total - together).exp() + found * (log_sum - together).exp()
            total = together
        return output

    def weights(self, query: Tensor, key: Tensor, position: tuple[int, int]) -> Tensor:
        """Where one position looks.

        Args:
            query: (1, C, h, w).
            key: (1, K, C, h, w).
            position: row and column of the query.

        Returns:
            (heads, K, h, w), the weights of a head sum to 1; a local head has none outside its window, and what falls beyond the
            border counts where the border is.
        """
        height, width = query.shape[-2:]
        places = torch.arange(height * width, device=query.device).reshape(1, 1, 1, height, width)
        places = places.expand(1, key.shape[1], self.heads, -1, -1).float()
        side = self.window or max(height, width)
        across = -(-width // side)
        window = (position[0] // side) * across + position[1] // side if self.window else 0
        inside = (position[0] % side) * side + position[1] % side if self.window else position[0] * width + position[1]
        queries = self._queries(query)[window, :, inside]
        keys, targets = self._keys(key)[window], self._keys(places)[window, ..., 0].long()
        scores = (keys @ queries.unsqueeze(-1)).squeeze(-1) / queries.shape[-1] ** 0.5
        frame = torch.arange(key.shape[1], device=query.device).repeat_interleave(targets.shape[1] // key.shape[1])
        flat = torch.zeros(self.heads, key.shape[1] * height * width, device=query.device)
        flat.scatter_add_(1, frame * height * width + targets, scores.softmax(dim=1).float())
        return flat.reshape(self.heads, key.shape[1], height, width)

    def _check(self, query: Tensor, key: Tensor, value: Tensor) -> None:
        if key.shape[1] < 1:
            raise EchoSynthError("attention needs a bank of real frames, got an empty one: give at least one frame")
        same = key.shape[2:] == query.shape[1:] and value.shape[-2:] == key.shape[-2:]
        if not same or key.shape[0] not in (1, query.shape[0]):
            raise EchoSynthError(
                f"a bank must have the channels and size of the frames, {tuple(query.shape[1:])} for {query.shape[0]} frames,"
                f" got keys {tuple(key.shape)} and values {tuple(value.shape)}: encode it at the size of the frames"
            )
        sides = [side for side in query.shape[-2:] if self.window and side % self.window]
        if sides or query.shape[1] % self.heads or value.shape[2] % self.heads:
            raise EchoSynthError(
                f"maps must divide into windows of {self.window} and channels into {self.heads} heads, got {tuple(query.shape)}"
                f" and {value.shape[2]} value channels: choose another size"
            )

    def _split(self, tokens: Tensor) -> Tensor:
        """(N, C, T) to (N, heads, T, C / heads)."""
        return tokens.unflatten(1, (self.heads, -1)).transpose(2, 3).contiguous()

    def _queries(self, query: Tensor) -> Tensor:
        """(B, C, h, w) to (B W, heads, w w, d), W windows, those of a frame together."""
        if self.window is None:
            return self._split(query.flatten(2))
        return self._split(_windows(query, self.window, 0).flatten(0, 1))

    def _keys(self, bank: Tensor) -> Tensor:
        """(G, K, C, h, w) to (G W, heads, K positions, d)."""
        groups, frames = bank.shape[:2]
        if self.window is None:
            return self._split(bank.transpose(1, 2).flatten(2))
        cut = _windows(bank.flatten(0, 1), self.window, self.window // 2).unflatten(0, (groups, frames))
        return self._split(cut.permute(0, 2, 3, 1, 4).flatten(3).flatten(0, 1))

    def _joined(self, output: Tensor, shape: torch.Size) -> Tensor:
        """(B W, heads, T, e) to (B, heads e, h, w)."""
        maps = output.transpose(2, 3).flatten(1, 2)
        if self.window is None:
            return maps.unflatten(2, tuple(shape[-2:]))
        cut = maps.unflatten(0, (shape[0], -1)).permute(0, 2, 3, 1).flatten(1, 2)
        return F.fold(cut, tuple(shape[-2:]), self.window, stride=self.window)


def _windows(maps: Tensor, side: int, halo: int) -> Tensor:
    """(N, C, h, w) to (N, W, C, (side + 2 halo)^2); positions beyond the border repeat it."""
    padded = F.pad(maps, (halo,) * 4, mode="replicate") if halo else maps
    cut = F.unfold(padded, side + 2 * halo, stride=side)
    return cut.unflatten(1, (maps.shape[1], -1)).permute(0, 3, 1, 2)


def _log_sum(queries: Tensor, keys: Tensor) -> Tensor:
    """Log-sum-exp of the scores of each query, (..., Q, 1)."""
    scores = queries @ keys.transpose(-2, -1) / queries.shape[-1] ** 0.5
    return scores.logsumexp(dim=-1, keepdim=True)
