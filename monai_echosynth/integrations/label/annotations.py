"""What annotators saved becomes prepared data: every frame with a structure in its map, its sector, the segmenter's size.

The sector is found in the image, so that the maps can guide the generator as well. Studies of one patient (the part of the
name before the first underscore) stay together, in training or in validation.
"""

from __future__ import annotations

import hashlib
import math
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from monai_echosynth.data.atomic import write_json
from monai_echosynth.data.checks import check_same_shape
from monai_echosynth.data.datalist import FORMAT, label_keys
from monai_echosynth.data.image_folder import describe_name
from monai_echosynth.data.prepare_frame import PreparedFrame, frame_paths, write_prepared
from monai_echosynth.data.sector_mask import sector_mask
from monai_echosynth.data.semantic_map import annotated_map
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.integrations.label.labels import SegmenterLabels, in_ids
from monai_echosynth.integrations.label.study import read_maps, read_study

__all__ = ["Annotation", "prepare_annotations"]


@dataclass(frozen=True)
class Annotation:
    """A study and the label map that was saved for it.

    Attributes:
        id: name of the study.
        image: its file.
        label: the label map's file.
        label_info: names of the map's values, as viewers send them; none where they are the segmenter's ids.
    """

    id: str
    image: Path
    label: Path
    label_info: Sequence[Mapping[str, Any]] = field(default=())


def prepare_annotations(
    annotations: Sequence[Annotation],
    folder: Path,
    labels: SegmenterLabels,
    size: int,
    validation_share: float = 0.2,
    seed: int = 0,
) -> dict[str, int]:
    """Writes a prepared folder with the annotated frames; what was there is replaced.

    Args:
        annotations: studies with their label maps.
        folder: folder to write.
        labels: labels of the segmenter.
        size: side of the frames in pixels.
        validation_share: share of the patients that validates, 0 to below 1; one at least where it is not 0 and there are two.
        seed: seed of the choice of these patients.

    Returns:
        Number of frames for ``training`` and ``validation``.

    Raises:
        EchoSynthError: nothing is annotated, a file is bad, a label map lies on another grid or has unknown values.
    """
    if not 0 <= validation_share < 1:
        raise EchoSynthError(f"val_split is from 0 to below 1, got {validation_share}: use 0.2, or 0 for no validation")
    shutil.rmtree(folder, ignore_errors=True)
    held_out = _held_out([describe_name(annotation.id)[0] for annotation in annotations], validation_share, seed)
    sections: dict[str, list[dict[str, str]]] = {"training": [], "validation": []}
    for annotation in annotations:
        patient, view, phase = describe_name(annotation.id)
        for name, frame in _frames(annotation, labels):
            write_prepared(frame, name, folder, size, native=False)
            item = {**frame_paths(name, native=False), "id": name, "patient": patient, "view": view, "phase": phase}
            sections["validation" if patient in held_out else "training"].append(item)
    if not sections["training"]:
        raise EchoSynthError(
            f"training needs an annotated frame, got none in {len(annotations)} saved labels: annotate a study and save it"
        )
    head = {"format": FORMAT, "name": "annotations", "source": "MONAI Label", "spatial_size": [size, size]}
    write_json(folder / "dataset.json", {**head, **label_keys(labels.semantic), "seed": seed, **sections, "test": []})
    return {section: len(items) for section, items in sections.items()}


def _frames(annotation: Annotation, labels: SegmenterLabels) -> Iterator[tuple[str, PreparedFrame]]:
    """Name and prepared form of each annotated frame of a study."""
    study = read_study(annotation.image)
    maps = in_ids(read_maps(annotation.label), annotation.label_info, labels, annotation.label)
    check_same_shape(study.frames, annotation.image, maps, annotation.label)
    for number in np.flatnonzero(maps.any(axis=(0, 1))):
        image, drawn = study.frames[..., number], maps[..., number]
        sector = sector_mask(image)
        label = annotated_map(drawn, sector, annotation.label, labels.raw, labels.semantic)
        name = annotation.id if study.frames.shape[-1] == 1 else f"{annotation.id}_t{number:04d}"
        gray = np.where(sector, image, np.uint8(0))
        clipped = int(((drawn > 0) & ~sector).sum())
        yield name, PreparedFrame(gray, label, study.spacing, True, "", clipped)


def _held_out(patients: Sequence[str], share: float, seed: int) -> set[str]:
    """Patients that validate; the choice depends on the names and the seed alone."""
    names = sorted(set(patients), key=lambda name: hashlib.sha256(f"{seed}:{name}".encode()).hexdigest())
    count = min(math.ceil(share * len(names)), len(names) - 1) if share else 0
    return set(names[: max(count, 0)])
