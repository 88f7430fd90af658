"""Random paired warp of image and label inside the fixed sector, for training."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

from monai.config import KeysCollection
from monai.transforms import MapTransform, RandomizableTransform

from monai_echosynth.data.builtin_labels import SEMANTIC_LABELS
from monai_echosynth.data.label_table import LabelTable
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.transforms.echo_warp import EchoWarp, Uncovered
from monai_echosynth.transforms.tensor_items import grid_extent, like, plain
from monai_echosynth.transforms.warp_parameters import WarpLimits, WarpParameters, draw_warp

__all__ = ["RandEchoWarpd"]


class RandEchoWarpd(RandomizableTransform, MapTransform):
    """Warps image and semantic map together with probability ``prob``.

    All items are channel first, (C, X, Y), on one grid. Outside the sector of the original label the images are 0 after the
    transform, warped or not.

    Args:
        keys: items to transform; ``label_key`` is the semantic map, the others are images.
        label_key: key of the semantic map.
        prob: probability of a warp.
        rotation: largest angle, degrees.
        shift: largest shift in depth, fraction of the image.
        scale: range of magnification.
        shear: largest x-shear, degrees.
        elastic: bound on the gradient of the elastic displacement.
        uncovered: what fills the part of the sector that the warped anatomy leaves free.
        table: semantic label table.
        allow_missing_keys: pass over keys that are absent (never the label).
    """

    def __init__(
        self,
        keys: KeysCollection = ("image", "label"),
        label_key: str = "label",
        prob: float = 0.9,
        rotation: float = 5.0,
        shift: float = 0.05,
        scale: tuple[float, float] = (0.8, 1.05),
        shear: float = 5.0,
        elastic: float = 0.35,
        uncovered: Uncovered | str = Uncovered.EXTEND,
        table: LabelTable = SEMANTIC_LABELS,
        allow_missing_keys: bool = False,
    ) -> None:
        MapTransform.__init__(self, keys, allow_missing_keys)
        RandomizableTransform.__init__(self, prob)
        if label_key not in self.keys:
            raise EchoSynthError(
                f"RandEchoWarpd needs the label among its keys, got {self.keys} without '{label_key}': add it"
            )
        self.label_key = label_key
        self.limits = WarpLimits(rotation, shift, (scale[0], scale[1]), shear, elastic)
        self.warp = EchoWarp(uncovered, table)
        self.parameters: WarpParameters | None = None

    def randomize(self, data: Any = None) -> None:
        """Draws whether and how to warp."""
        super().randomize(None)
        self.parameters = draw_warp(self.R, self.limits) if self._do_transform else None

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Returns a copy of ``data`` with warped items; types and meta data are kept."""
        items = dict(data)
        self.randomize()
        label = plain(items[self.label_key])
        names = [key for key in self.key_iterator(items) if key != self.label_key]
        images = [plain(items[key]) for key in names]
        if self.parameters is None:
            inside = label != self.warp.outside
            images = [image * inside for image in images]
        else:
            extent = grid_extent(items[self.label_key])
            warped, images = self.warp(label, images, self.parameters, extent)
            items[self.label_key] = like(warped, items[self.label_key])
        for key, image in zip(names, images, strict=True):
            items[key] = like(image, items[key])
        return items
