"""Label map to one-hot channels: the conditioning ``seg`` of the generator and the target of segmentation losses."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import torch
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.transforms import MapTransform, Transform
from torch import Tensor

from monai_echosynth.data.builtin_labels import SEMANTIC_LABELS
from monai_echosynth.data.label_table import LabelTable
from monai_echosynth.errors import EchoSynthError

__all__ = ["LabelToSeg", "LabelToSegd"]


class LabelToSeg(Transform):
    """One-hot channels in the order of the label table.

    Args:
        table: label table of the map; semantic maps by default.
    """

    def __init__(self, table: LabelTable = SEMANTIC_LABELS) -> None:
        self.table = table
        self._channels = torch.from_numpy(table.channel_of_id)

    def __call__(self, label: Any) -> Tensor:
        """Converts a map.

        Args:
            label: (X, Y) or (1, X, Y) integers, of any type.

        Returns:
            (K, X, Y) float32, one channel per label.

        Raises:
            EchoSynthError: an id is not in the table.
        """
        values = label.as_tensor() if isinstance(label, MetaTensor) else torch.as_tensor(label)
        flat = values[0] if values.ndim == 3 and values.shape[0] == 1 else values
        if flat.ndim != 2:
            raise EchoSynthError(
                f"a label map must be (X, Y) or (1, X, Y), got shape {tuple(values.shape)}: pick one frame"
            )
        index = flat.long()
        exact = bool((index == flat).all()) and int(index.min()) >= 0 and int(index.max()) <= 255
        channels = self._channels[index] if exact else None
        if channels is None or int(channels.min()) < 0:
            self.table.check(flat.numpy(), "the label map")
        assert channels is not None  # otherwise the check has raised
        seg = torch.zeros(self.table.num_channels, *flat.shape)
        return seg.scatter_(0, channels[None], 1.0)


class LabelToSegd(MapTransform):
    """Dictionary version of :class:`LabelToSeg`.

    Args:
        keys: label maps.
        output_keys: where to store the channels; the keys themselves when None. A single name goes with a single key.
        table: label table.
        allow_missing_keys: pass over keys that are absent.
    """

    def __init__(
        self,
        keys: KeysCollection = "label",
        output_keys: KeysCollection | None = "seg",
        table: LabelTable = SEMANTIC_LABELS,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        names = (output_keys,) if isinstance(output_keys, str) else output_keys
        self.output_keys = self.keys if names is None else tuple(names)
        if len(self.output_keys) != len(self.keys):
            raise EchoSynthError(
                f"LabelToSegd needs one output key per key, got {self.output_keys} for {self.keys}: match them"
            )
        self.convert = LabelToSeg(table)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Returns a copy of ``data`` with the channels added."""
        items = dict(data)
        for key, output in self.key_iterator(items, self.output_keys):
            items[output] = self.convert(items[key])
        return items
