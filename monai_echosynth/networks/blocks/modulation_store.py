"""One modulation a label map, however many images it has: caches by the content of the map.

Images that share a map follow each other in a set, so that the last few maps are enough. Maps are compared by content: equal ones
under several names are one, and no image ever gets the modulation of another map.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict

import torch
from torch import Tensor

from monai_echosynth.networks.blocks.spade_cache import SpadeCache

__all__ = ["ModulationStore"]


class ModulationStore:
    """Caches of the label maps seen last.

    Args:
        masks: number of maps whose modulation is kept.
    """

    def __init__(self, masks: int = 2) -> None:
        self.masks = masks
        self._caches: OrderedDict[str, SpadeCache] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, seg: Tensor) -> SpadeCache:
        """Cache for a batch of maps (B, K, X, Y) that holds each different one once; may be called from several threads."""
        names = [_digest(one) for one in seg]
        different = list(dict.fromkeys(names))
        if len(different) == len(names) > 1:
            return SpadeCache(seg)
        if len(different) > 1:
            first = torch.tensor([names.index(name) for name in different], device=seg.device)
            rows = torch.tensor([different.index(name) for name in names], device=seg.device)
            return SpadeCache(seg[first], rows)
        with self._lock:
            cache = self._caches.pop(names[0]) if names[0] in self._caches else SpadeCache(seg[:1])
            self._caches[names[0]] = cache
            while len(self._caches) > self.masks:
                self._caches.popitem(last=False)
        return cache


def _digest(seg: Tensor) -> str:
    values = seg.detach().cpu().contiguous()
    return hashlib.sha256(f"{tuple(values.shape)}{values.dtype}".encode() + values.numpy().tobytes()).hexdigest()
