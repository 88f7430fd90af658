"""Features of one section of a folder: frames pass in batches, vectors stay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monai_echosynth.data.datalist import load_datalist
from monai_echosynth.data.label_table import LabelTable
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.metrics.domain_gap import FEWEST_FRAMES
from monai_echosynth.networks.features.activations import FeatureNetwork
from monai_echosynth.workflows.frame_batches import chosen_items, frame_batches
from monai_echosynth.workflows.gap_frames import patient_of

__all__ = ["FeatureSet", "read_features"]


@dataclass(frozen=True)
class FeatureSet:
    """Features of a set.

    Attributes:
        folder: where the frames lie.
        sections: sections of the folder.
        items: entries of the frames that were measured.
        vectors: (n, F).
        notes: what was left out, and why.
    """

    folder: str
    sections: tuple[str, ...]
    items: list[dict[str, Any]]
    vectors: NDArray[np.float32]
    notes: tuple[str, ...] = ()

    @property
    def patients(self) -> tuple[str, ...]:
        """(n,) patient of each frame, or what stands for one."""
        return tuple(patient_of(item) for item in self.items)

    def describe(self) -> dict[str, Any]:
        """What the set is, as JSON."""
        where = {"folder": self.folder, "section": " + ".join(self.sections)}
        return {**where, "frames": len(self.items), "patients": len(set(self.patients))}


def read_features(
    folder: str | Path,
    sections: Sequence[str],
    network: FeatureNetwork,
    table: LabelTable,
    size: int,
    limit: int,
    seed: int = 0,
) -> FeatureSet:
    """Features of sections of a folder, or of a random part of them.

    Args:
        folder: prepared folder or synthetic set.
        sections: sections of it, joined; at least one must hold frames.
        network: the extractor.
        table: label table of the folder.
        size: edge of the grid in pixels.
        limit: frames at most.
        seed: of the draw.

    Raises:
        EchoSynthError: a section is missing, a frame is bad, too few show anything, or a feature is not finite.
    """
    names = ", ".join(f"'{name}'" for name in sections)
    items = [item for name in sections for item in load_datalist(folder, name)]
    chosen = chosen_items(items, limit, seed)
    kept: list[dict[str, Any]] = []
    vectors: list[NDArray[np.float32]] = []
    for batch in frame_batches(chosen, table, size):
        vectors.append(network(batch.image).vector.numpy())
        kept += [dict(item) for item in batch.items]
    if len(kept) < FEWEST_FRAMES:
        raise EchoSynthError(
            f"at least {FEWEST_FRAMES} frames that show something are needed, got {len(kept)} of {len(items)} in section {names} "
            f"of {folder}: add frames, or look at them"
        )
    found = np.concatenate(vectors)
    bad = [kept[i] for i in np.flatnonzero(~np.isfinite(found).all(axis=1))]
    if bad:
        raise EchoSynthError(
            f"features must be finite, got NaN or infinity in {len(bad)} of {len(kept)} frames from {network.name}, first in "
            f"{bad[0]['image']}: choose another extractor, or look at that frame"
        )
    blank = len(chosen) - len(kept)
    notes = (
        (f"{blank} of {len(chosen)} frames of section {names} of {folder} are uniform and left out",) if blank else ()
    )
    return FeatureSet(str(folder), tuple(sections), kept, found, notes)
