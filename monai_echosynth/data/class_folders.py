"""One folder a class, pictures beside their masks: ``benign/a (1).png``, ``a (1)_mask.png``, ``a (1)_mask_1.png``.

The layout of the public breast ultrasound set BUSI. A mask is black but for one lesion; pictures with several lesions have
several masks, which are joined. The class takes the place of the view. Such folders do not say whose pictures they hold: each
picture counts as a patient of its own, and pictures with equal pixels are found by the duplicate check.
"""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

from monai_echosynth.data.builtin_labels import LESION_LABELS
from monai_echosynth.data.folder_labels import FolderLabels
from monai_echosynth.data.frame import FrameRecord
from monai_echosynth.data.image_folder import frame_files
from monai_echosynth.data.label_table import LabelTable
from monai_echosynth.errors import EchoSynthError

__all__ = ["LESION_FOLDER", "class_folder_records"]

_MASK = re.compile(r"(?P<picture>.+)_mask(?:_\d+)?")

LESION_FOLDER = FolderLabels(
    LabelTable.from_dict(
        {
            "name": "lesion_masks",
            "labels": [
                {"id": 0, "name": "background", "channel": 0, "color": [0, 0, 0]},
                {"id": 1, "name": "lesion", "channel": 1, "color": [230, 75, 60]},
            ],
        }
    ),
    LESION_LABELS,
    bare=True,
)
"""What joined masks mean."""


def class_folder_records(root: Path) -> list[FrameRecord]:
    """Pictures of the class folders below ``root``; an empty list where no folder holds masks named so.

    Raises:
        EchoSynthError: a mask has no picture, a picture has no mask, or two pictures of a class have one name.
    """
    folders = {path.name: frame_files(path) for path in sorted(root.iterdir()) if path.is_dir()}
    if not any(_MASK.fullmatch(name) for files in folders.values() for name in files):
        return []
    records: dict[str, FrameRecord] = {}
    for name, files in folders.items():
        for record in _class_records(name, files):
            if record.id in records:
                raise EchoSynthError(
                    f"pictures must differ in letters and digits of their names, got {record.image_path} and "
                    f"{records[record.id].image_path}: rename one"
                )
            records[record.id] = record
    return list(records.values())


def _class_records(name: str, files: dict[str, Path]) -> list[FrameRecord]:
    masks: dict[str, list[Path]] = defaultdict(list)
    for stem, path in files.items():
        found = _MASK.fullmatch(stem)
        if found:
            masks[found["picture"]].append(path)
    pictures = {stem: path for stem, path in files.items() if not _MASK.fullmatch(stem)}
    lonely = sorted(masks.keys() - pictures.keys())
    if lonely:
        raise EchoSynthError(f"each mask needs its picture, got {masks[lonely[0]][0]} alone: add it or remove the mask")
    bare = sorted(pictures.keys() - masks.keys())
    if bare:
        raise EchoSynthError(
            f"each picture needs a mask, black where there is no lesion, got none for {pictures[bare[0]]}: add "
            f"'{bare[0]}_mask.png' or remove the picture"
        )
    return [_record(name, stem, path, tuple(masks[stem])) for stem, path in pictures.items()]


def _record(name: str, stem: str, path: Path, masks: tuple[Path, ...]) -> FrameRecord:
    slug = _slug(stem)
    own = slug if slug.startswith(f"{_slug(name)}_") else f"{_slug(name)}_{slug}"
    return FrameRecord(own, own, name, "", path, masks[0], masks)


def _slug(text: str) -> str:
    """Letters and digits, joined by underscores."""
    return "_".join(re.findall(r"[^\W_]+", text))
