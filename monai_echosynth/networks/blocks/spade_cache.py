"""Scale and shift maps that are computed once per mask and reused over all solver steps and all images of the mask.

The modulation of a SPADE layer is a function of the mask alone, not of the noise level, so that a solver that calls the
network N times with one mask needs it once. The cache is handed to the network in place of the mask
(``network(x, timesteps, seg=SpadeCache(seg))``): the network itself stays stateless.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor, nn

__all__ = ["SpadeCache"]


class SpadeCache:
    """A mask together with the modulation maps already derived from it.

    Args:
        seg: one-hot or fractional semantic map, shape (B, K, X, Y), values in [0, 1]. A single one serves any number of images.
        rows: number of the map that each image has (N,); image i has map i when omitted.
    """

    def __init__(self, seg: Tensor, rows: Tensor | None = None) -> None:
        self.seg, self.rows = seg, rows
        self._maps: dict[tuple[nn.Module, tuple[int, ...]], tuple[Tensor, ...]] = {}

    def __len__(self) -> int:
        """Number of layers whose modulation is held."""
        return len(self._maps)

    def maps(
        self, layer: nn.Module, size: Sequence[int], compute: Callable[[Tensor, Sequence[int]], tuple[Tensor, ...]]
    ) -> tuple[Tensor, ...]:
        """Scale and shift of ``layer`` (or of all layers of a network) at the feature size ``size``, computed once."""
        key = (layer, tuple(int(side) for side in size))  # sizes are tensors while a network is traced
        if key not in self._maps:
            maps = compute(self.seg, size)
            self._maps[key] = maps if self.rows is None else tuple(part[self.rows] for part in maps)
        return self._maps[key]
