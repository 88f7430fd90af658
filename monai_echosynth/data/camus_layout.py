"""Both CAMUS layouts: ``<root>/<patient>/<patient>_<view>_<phase>`` with ``_gt`` beside it, as NIfTI or as MetaImage.

The root may be the folder with ``database_nifti`` (or ``training``), or that folder itself. Whole sequences
(``_half_sequence``, ``_sequence``) are not ED/ES frames and are passed over. Any subset of patients and views will do.
"""

from __future__ import annotations

import re
from pathlib import Path

from monai_echosynth.data.frame import FrameRecord
from monai_echosynth.errors import EchoSynthError

__all__ = ["camus_records", "camus_root"]

_FRAME = re.compile(
    r"(?P<id>(?P<patient>[^_]+)_(?P<view>[^_]+)_(?P<phase>ED|ES))(?P<gt>_gt)?(?P<suffix>\.nii\.gz|\.nii|\.mhd)"
)
_SUBFOLDERS = ("database_nifti", "training")


def camus_root(root: Path) -> Path:
    """Folder that holds the patient folders: ``root`` or the well-known folder inside it."""
    return next((root / name for name in _SUBFOLDERS if (root / name).is_dir()), root)


def camus_records(root: Path) -> list[FrameRecord]:
    """ED and ES frames below ``root``, sorted by id; an empty list when the layout is another one.

    Raises:
        EchoSynthError: a label file has no image.
    """
    images: dict[str, tuple[re.Match[str], Path]] = {}
    labels: dict[str, Path] = {}
    for path in sorted(camus_root(root).glob("*/*")):
        match = _FRAME.fullmatch(path.name)
        if match is None or match["patient"] != path.parent.name:
            continue
        if match["gt"]:
            labels[match["id"]] = path
        else:
            images[match["id"]] = (match, path)
    lonely = sorted(labels.keys() - images.keys())
    if lonely:
        raise EchoSynthError(
            f"each label needs its image, got {labels[lonely[0]]} alone: add the image or remove the label"
        )
    return [
        FrameRecord(name, match["patient"], match["view"], match["phase"], path, labels.get(name))
        for name, (match, path) in sorted(images.items())
    ]
