"""The output folder of a training belongs to one training: it is new, or holds an earlier attempt at the same one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from monai_echosynth.data.atomic import PARTIAL_PREFIX, write_json
from monai_echosynth.errors import EchoSynthError

__all__ = ["claim_folder"]

_SETTINGS_FILE = "training.json"


def claim_folder(root: Path, settings: Mapping[str, Any]) -> None:
    """Writes the settings of a training to its folder, or compares them with those that are there.

    Args:
        root: output folder.
        settings: plain JSON values that shape the result.

    Raises:
        EchoSynthError: the folder holds another training, or something else.
        OSError: the folder cannot be written.
    """
    path = root / _SETTINGS_FILE
    wanted = json.loads(json.dumps(settings))
    if path.is_file():
        found = json.loads(path.read_text(encoding="utf-8"))
        differing = [key for key in wanted if found.get(key) != wanted[key]]
        if differing:
            key = differing[0]
            raise EchoSynthError(
                f"{root} holds a training with {key} = {found.get(key)}, not {wanted[key]}: choose another output folder, "
                "remove that one, or use its settings"
            )
        return
    if root.is_dir() and any(not entry.name.startswith(PARTIAL_PREFIX) for entry in root.iterdir()):
        raise EchoSynthError(
            f"the output folder must be new, empty or hold this training, got {root}: choose another one"
        )
    write_json(path, wanted)
