"""New label maps for generation: a few warped copies of every map, each a function of its names and the seed alone.

Copy ``k`` of a map depends on (seed, patient, view, phase, k): not on the order of the maps, their number or the process
(SPEC section 2). Copy 0 is the map itself.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
from monai.config import KeysCollection
from monai.transforms import MapTransform, Transform
from torch import Tensor

from monai_echosynth.data.builtin_labels import SEMANTIC_LABELS
from monai_echosynth.data.label_table import LabelTable
from monai_echosynth.diffusion.seeding import derive_seed
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.transforms.echo_warp import EchoWarp, Uncovered
from monai_echosynth.transforms.tensor_items import grid_extent, like, plain
from monai_echosynth.transforms.warp_parameters import WarpLimits, draw_warp

__all__ = ["AugmentLabel", "AugmentLabeld", "augmented_items"]

COPIES = 5
"""Warped copies per map."""


def augmented_items(
    items: Sequence[Mapping[str, Any]], copies: int = COPIES, original: bool = True
) -> list[dict[str, Any]]:
    """Items repeated with the key ``copy``: 0 for the map itself (when ``original``), 1..copies for its warped copies.

    The list runs through all maps before it comes to the next copy, so a short head of it has as many patients as possible.
    """
    return [{**item, "copy": k} for k in range(0 if original else 1, copies + 1) for item in items]


class AugmentLabel(Transform):
    """Deterministic warped copy of a semantic map inside its fixed sector.

    Args:
        seed: of the study.
        limits: ranges of the warp.
        uncovered: what becomes of pixels of the sector that the warped anatomy leaves free: "no structure" (``sector``), or
            a structure that the far edge had cut goes on (``extend``).
        table: semantic label table.
    """

    def __init__(
        self,
        seed: int = 0,
        limits: WarpLimits | None = None,
        uncovered: Uncovered | str = Uncovered.SECTOR,
        table: LabelTable = SEMANTIC_LABELS,
    ) -> None:
        self.seed = seed
        self.limits = WarpLimits() if limits is None else limits
        self.warp = EchoWarp(uncovered, table)

    def __call__(self, label: Any, patient: str, view: str, phase: str, k: int) -> Any:
        """Copy ``k`` of ``label`` (1, X, Y) or (X, Y); same shape, type and meta data."""
        if k < 0:
            raise EchoSynthError(f"copies count from 0, got k = {k}: use 0 for the map itself")
        if k == 0:
            return label
        values: Tensor = plain(label)
        channel_first = values if values.ndim == 3 else values[None]
        source = np.random.Generator(np.random.PCG64(derive_seed(self.seed, "label", patient, view, phase, k)))
        warped, _ = self.warp(channel_first, (), draw_warp(source, self.limits), grid_extent(label))
        return like(warped.reshape(values.shape), label)


class AugmentLabeld(MapTransform):
    """Dictionary version: reads ``patient``, ``view``, ``phase`` and ``copy`` of the item, as ``augmented_items`` writes them.

    Args:
        keys: semantic maps.
        seed: of the study.
        limits: ranges of the warp.
        uncovered: see :class:`AugmentLabel`.
        table: semantic label table.
        allow_missing_keys: pass over keys that are absent.
    """

    def __init__(
        self,
        keys: KeysCollection = "label",
        seed: int = 0,
        limits: WarpLimits | None = None,
        uncovered: Uncovered | str = Uncovered.SECTOR,
        table: LabelTable = SEMANTIC_LABELS,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.augment = AugmentLabel(seed, limits, uncovered, table)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Returns a copy of ``data`` with warped maps; items without ``copy`` stay as they are."""
        items = dict(data)
        names = [str(items.get(name, "")) for name in ("patient", "view", "phase")]
        for key in self.key_iterator(items):
            items[key] = self.augment(items[key], names[0], names[1], names[2], int(items.get("copy", 0)))
        return items
