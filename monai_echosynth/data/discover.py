"""Finds the annotated frames below a folder, whichever of the known layouts it has."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path

from monai_echosynth.data.camus_layout import camus_records
from monai_echosynth.data.checks import check_folder
from monai_echosynth.data.class_folders import class_folder_records
from monai_echosynth.data.frame import FrameRecord
from monai_echosynth.data.image_folder import folder_records
from monai_echosynth.errors import EchoSynthError

__all__ = ["discover"]


def discover(
    root: str | PathLike[str], views: Sequence[str] | None = None, phases: Sequence[str] | None = None
) -> list[FrameRecord]:
    """All frames below ``root``, sorted by id.

    Args:
        root: folder in CAMUS layout (NIfTI or MetaImage), with ``images/`` and ``labels/``, or with one folder a class; what
            its ids mean is read apart, by :func:`monai_echosynth.data.folder_labels.folder_labels`.
        views: views to keep, such as ``["4CH"]``; all when None.
        phases: phases to keep, such as ``["ED"]``; all when None.

    Raises:
        EchoSynthError: the folder is missing or empty, holds no known layout, or no frame passes the filters.
    """
    folder = Path(root)
    check_folder(folder)
    records = camus_records(folder) or folder_records(folder) or class_folder_records(folder)
    if not records:
        raise EchoSynthError(
            f"frames were expected as <patient>/<patient>_<view>_<ED|ES>.nii.gz (CAMUS), the same as .mhd, images/ and"
            f" labels/, or <class>/<picture>.png with <picture>_mask.png, got none of these in {folder}: check the path or"
            " arrange the files so"
        )
    kept = _filter(_filter(records, "view", views), "phase", phases)
    return sorted(kept, key=lambda record: record.id)


def _filter(records: list[FrameRecord], key: str, wanted: Sequence[str] | None) -> list[FrameRecord]:
    if wanted is None:
        return records
    present = sorted({getattr(record, key) for record in records})
    missing = [value for value in wanted if value not in present]
    if missing or not wanted:
        got = ", ".join(missing) or "an empty list"
        raise EchoSynthError(
            f"the {key}s asked for must be in the data ({', '.join(present)}), got {got}: choose among these"
        )
    return [record for record in records if getattr(record, key) in wanted]
