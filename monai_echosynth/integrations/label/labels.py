"""What the ids of a segmenter mean: its class names as Label wants them, with the colors of the label tables.

A segmenter numbers its structures 1, 2, ... in the order of its channels, 0 being everything else; ``configs/metadata.json``
of its bundle has the names. Viewers number the segments of a saved label map in the order in which they list them and send
the names along.
"""

from __future__ import annotations

import colorsys
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monai_echosynth.data.builtin_labels import CAMUS_LABELS, SEMANTIC_LABELS, TEE_LABELS
from monai_echosynth.data.folder_labels import semantic_table, structures
from monai_echosynth.data.label_table import LabelEntry, LabelTable
from monai_echosynth.data.semantic_map import BACKGROUND
from monai_echosynth.errors import EchoSynthError

__all__ = ["SegmenterLabels", "in_ids", "segmenter_labels"]

_KNOWN = {entry.name: entry.color for table in (TEE_LABELS, SEMANTIC_LABELS) for entry in table.entries}


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
    """Labels of a segmentation bundle, from the first output of its metadata.

    Raises:
        EchoSynthError: the metadata cannot be read or name no classes.
    """
    path = bundle / "configs" / "metadata.json"
    try:
        outputs = json.loads(path.read_text(encoding="utf-8"))["network_data_format"]["outputs"]
        classes = {int(key): str(name).lower() for key, name in next(iter(outputs.values()))["channel_def"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, StopIteration) as error:
        raise EchoSynthError(
            f"a segmentation bundle names its classes in network_data_format.outputs, got none in {path} "
            f"({type(error).__name__}: {error}): name a bundle that echosynth trained"
        ) from error
    names = [classes[key] for key in sorted(classes) if classes[key] != BACKGROUND]
    if names == [entry.name for entry in structures(CAMUS_LABELS)]:
        return SegmenterLabels(CAMUS_LABELS)
    rows = [LabelEntry(0, BACKGROUND, 0, (0, 0, 0))]
    rows += [LabelEntry(i, name, i, _color(name, i, len(names))) for i, name in enumerate(names, start=1)]
    return SegmenterLabels(LabelTable(bundle.name, tuple(rows)))


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


def _color(name: str, index: int, count: int) -> tuple[int, int, int]:
    """Color of a structure: that of the label tables, else one around the color circle."""
    if name in _KNOWN:
        return _KNOWN[name]
    red, green, blue = (round(255 * part) for part in colorsys.hsv_to_rgb((index - 1) / count, 0.7, 0.9))
    return red, green, blue
