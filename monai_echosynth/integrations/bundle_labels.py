"""What the ids of a segmentation bundle's label maps mean: class names from its metadata, colors from the label tables.

A segmenter numbers its structures 1, 2, ... in the order of its channels, 0 being everything else.
"""

from __future__ import annotations

import colorsys
from pathlib import Path
from typing import Any

from monai_echosynth.data.builtin_labels import CAMUS_LABELS, SEMANTIC_LABELS, TEE_LABELS
from monai_echosynth.data.label_table import LabelEntry, LabelTable
from monai_echosynth.data.semantic_map import BACKGROUND
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.workflows.bundle_config import read_metadata

__all__ = ["bundle_labels"]

_KNOWN = {entry.name: entry.color for table in (TEE_LABELS, SEMANTIC_LABELS) for entry in table.entries}


def bundle_labels(bundle: Path) -> LabelTable:
    """Label table of a bundle, from the first output of its metadata; CAMUS's own where the structures are those.

    Raises:
        EchoSynthError: ``bundle`` is not a segmentation bundle.
    """
    names = _structures(read_metadata(bundle), bundle)
    if names == [entry.name for entry in CAMUS_LABELS.entries if entry.name != BACKGROUND]:
        return CAMUS_LABELS
    rows = [LabelEntry(0, BACKGROUND, 0, (0, 0, 0))]
    rows += [LabelEntry(i, name, i, _color(name, i, len(names))) for i, name in enumerate(names, start=1)]
    return LabelTable(bundle.name, tuple(rows))


def _structures(metadata: dict[str, Any], bundle: Path) -> list[str]:
    """Names of the channels but the background, in order."""
    try:
        output = next(iter(metadata["network_data_format"]["outputs"].values()))
        classes = {int(key): str(name).lower() for key, name in output["channel_def"].items()}
        kind = output.get("format", "segmentation")
    except (ValueError, KeyError, TypeError, AttributeError, StopIteration) as error:
        raise EchoSynthError(
            f"a segmentation bundle names its classes in network_data_format.outputs, got none in "
            f"{bundle / 'configs' / 'metadata.json'} ({type(error).__name__}: {error}): name a bundle that echosynth trained"
        ) from error
    names = [classes[key] for key in sorted(classes) if classes[key] != BACKGROUND]
    if kind != "segmentation" or not names:
        raise EchoSynthError(f"a trained echo_segmentation bundle was expected, got {bundle}: name one")
    return names


def _color(name: str, index: int, count: int) -> tuple[int, int, int]:
    """Color of a structure: that of the label tables, else one around the color circle."""
    if name in _KNOWN:
        return _KNOWN[name]
    red, green, blue = (round(255 * part) for part in colorsys.hsv_to_rgb((index - 1) / count, 0.7, 0.9))
    return red, green, blue
