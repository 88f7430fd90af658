"""Segments a study as a request asks for it: every frame, or one of a cine, into a label map on the grid of the study."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from monai_echosynth.errors import EchoSynthError
from monai_echosynth.integrations.label.frame_segmenter import FrameSegmenter
from monai_echosynth.integrations.label.labels import SegmenterLabels
from monai_echosynth.integrations.label.study import EXTENSIONS, is_dicom, read_study, write_labels

__all__ = ["frame_number", "segment_study"]


def segment_study(
    segmenter: FrameSegmenter, labels: SegmenterLabels, request: Mapping[str, Any]
) -> tuple[Path, dict[str, Any]]:
    """Runs a request.

    Args:
        segmenter: the segmenter.
        labels: its labels.
        request: ``image`` (a path), and optionally ``frame`` (from 0; every frame where it is left out or empty) and
            ``result_extension`` (that of the image where it is left out).

    Returns:
        A temporary file with the label maps, 0 in frames not asked for, and what to tell the client: names, ids and colors of the
        labels, the frames that were segmented, and the pixels of each structure.

    Raises:
        EchoSynthError: the study cannot be read, has no such frame, or cannot be written in this format.
    """
    study = read_study(Path(str(request.get("image") or "")))
    count = study.frames.shape[-1]
    number = frame_number(request.get("frame"), count)
    chosen = list(range(count)) if number is None else [number]
    maps = np.zeros(study.frames.shape, np.uint8)
    maps[..., chosen] = segmenter.labels(np.ascontiguousarray(study.frames[..., chosen]))
    with tempfile.NamedTemporaryFile(suffix=_extension(request, study.path), delete=False) as stream:
        result = Path(stream.name)
    try:
        write_labels(result, maps, study)
    except BaseException:
        result.unlink(missing_ok=True)
        raise
    return result, {
        "label_names": labels.ids,
        "label_colors": labels.colors,
        "frames": chosen,
        "pixels": {name: int((maps == number).sum()) for name, number in labels.ids.items()},
        "spacing_mm": list(study.spacing),
    }


def frame_number(value: object, count: int) -> int | None:
    """Number of a frame as a client sends it: a whole number, its text, or nothing for every frame.

    Raises:
        EchoSynthError: it is no whole number, or the study has fewer frames.
    """
    if value is None or value == "":
        return None
    try:
        number = int(str(value))
    except ValueError as error:
        raise EchoSynthError(
            f"'frame' must be a whole number, got {value!r}: send 0 to {count - 1}, or leave it out for every frame"
        ) from error
    if not 0 <= number < count:
        raise EchoSynthError(
            f"'frame' must be from 0 to {count - 1} in this study, got {number}: choose a frame that is there"
        )
    return number


def _extension(request: Mapping[str, Any], path: Path) -> str:
    """Suffix of the result: the one asked for, else that of the image; NIfTI for DICOM."""
    wanted = str(request.get("result_extension") or "")
    if wanted or is_dicom(path):
        return wanted or ".nii.gz"
    return next((suffix for suffix in EXTENSIONS if path.name.endswith(suffix)), path.suffix)
