"""What the ids of a segmenter mean: its class names as Label wants them, with the colors of the label tables.

Viewers number the segments of a saved label map in the order in which they list them and send
the names along.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monai_echosynth.data.builtin_labels import SEMANTIC_LABELS
from monai_echosynth.data.folder_labels import semantic_table, structures
from monai_echosynth.data.label_table import LabelTable
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.integrations.bundle_labels import bundle_labels

__all__ = ["SegmenterLabels", "in_ids", "segmenter_labels"]


@dataclass(frozen=True)
class SegmenterLabels:
    """Labels of a segmenter.

    Attributes:
        raw: ids of its label maps.
    """

    raw: LabelTable

    @cached_property
    def semantic(self) -> LabelTable:
        """Ids of prepared maps of the same structures."""
        made = semantic_table(self.raw)
        return SEMANTIC_LABELS if made.names == SEMANTIC_LABELS.names else made

    @property
    def ids(self) -> dict[str, int]:
        """Ids of the structures by name."""
        return {entry.name: entry.id for entry in structures(self.raw)}

    @property
    def colors(self) -> dict[str, list[int]]:
        """Red, green and blue, 0 to 255, of the structures by name."""
        return {entry.name: list(entry.color) for entry in structures(self.raw)}


def segmenter_labels(bundle: Path) -> SegmenterLabels:
    """Labels of a segmentation bundle; raises as :func:`~monai_echosynth.integrations.bundle_labels.bundle_labels`."""
    return SegmenterLabels(bundle_labels(bundle))


def in_ids(
    maps: NDArray[np.uint8], label_info: Sequence[Mapping[str, Any]] | None, labels: SegmenterLabels, source: object
) -> NDArray[np.uint8]:
    """Label maps in the ids of the segmenter.

    Args:
        maps: label maps of any shape.
        label_info: ``{"name", "idx"}`` of the values, as viewers send them; none where the values are ids already.
        labels: labels of the segmenter.
        source: file that errors name.

    Raises:
        EchoSynthError: a value or a name is unknown.
    """
    named = {int(row["idx"]): str(row["name"]).lower() for row in label_info or [] if "idx" in row and "name" in row}
    present = [int(value) for value in np.unique(maps) if value]
    if not named:
        labels.raw.check(maps, source)
        return maps
    lookup = np.zeros(256, np.uint8)
    for value in present:
        name = named.get(value, f"value {value}")
        if name not in labels.ids:
            raise EchoSynthError(
                f"segments must be among {', '.join(labels.ids)}, got {name} in {source}: rename or remove the segment"
            )
        lookup[value] = labels.ids[name]
    return np.asarray(lookup[maps])
