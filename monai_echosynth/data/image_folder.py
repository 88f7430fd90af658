"""Plain ``images/`` + ``labels/`` folders with equal file names (PNG, NIfTI or MetaImage).

The patient is the part of the name before the first underscore; view and phase are recognized when they stand in the name as
in CAMUS (``p7_4CH_ED.png``) or, for views from the esophagus, as ``p7_ME4C_ED.png``, and are empty otherwise. A label table file
``labels.json`` beside the two folders says what the ids mean (see ``folder_labels``); without one they are those of CAMUS.
"""

from __future__ import annotations

import re
from pathlib import Path

from monai_echosynth.data.frame import FrameRecord
from monai_echosynth.data.read_frame import SUFFIXES, stem
from monai_echosynth.errors import EchoSynthError

__all__ = ["describe_name", "folder_records", "frame_files"]

_PHASES = frozenset({"ED", "ES"})
_VIEW = re.compile(r"\dCH|ME\dC")


def describe_name(name: str) -> tuple[str, str, str]:
    """Patient, view and phase as far as the frame's name tells them."""
    parts = name.split("_")
    views = [part for part in parts[1:] if _VIEW.fullmatch(part)]
    phases = [part for part in parts[1:] if part in _PHASES]
    return parts[0], views[0] if views else "", phases[0] if phases else ""


def frame_files(folder: Path) -> dict[str, Path]:
    """Readable files of ``folder`` by name without suffix, sorted; hidden files are passed over.

    Raises:
        EchoSynthError: two files differ in their suffix only.
    """
    files: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or not path.name.endswith(SUFFIXES):
            continue
        name = stem(path)
        if name in files:
            raise EchoSynthError(
                f"frame names must be unique, got {files[name].name} and {path.name} in {folder}: remove one"
            )
        files[name] = path
    return files


def folder_records(root: Path) -> list[FrameRecord]:
    """Frames of ``root/images`` with labels of ``root/labels``; an empty list when there is no ``images`` folder.

    Raises:
        EchoSynthError: a label file has no image.
    """
    if not (root / "images").is_dir():
        return []
    images = frame_files(root / "images")
    labels = frame_files(root / "labels") if (root / "labels").is_dir() else {}
    lonely = sorted(labels.keys() - images.keys())
    if lonely:
        raise EchoSynthError(
            f"each label needs its image, got {labels[lonely[0]]} alone: add the image or remove the label"
        )
    return [FrameRecord(name, *describe_name(name), path, labels.get(name)) for name, path in images.items()]
