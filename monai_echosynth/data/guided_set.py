"""The images of a guided set: which guide and which input frame each is made from, and the frames as pictures of one size.

Image k takes guide ``k mod g`` and, where it starts from a frame, frame ``(k div g) mod n``; its noise follows from (seed, k).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monai_echosynth.data.checks import check_image
from monai_echosynth.data.gray_levels import to_uint8
from monai_echosynth.data.image_folder import frame_files
from monai_echosynth.data.read_frame import SUFFIXES, read_pixels
from monai_echosynth.data.view_labels import view_items
from monai_echosynth.errors import EchoSynthError

__all__ = ["class_conditions", "frame_text", "guided_items", "picture_files", "read_picture"]


def class_conditions(items: Sequence[Mapping[str, Any]], class_names: Sequence[str]) -> list[dict[str, Any]]:
    """The items with the number of their class (their view) as ``condition``.

    Raises:
        EchoSynthError: a frame has no class, or one that is not among the names.
    """
    numbered = view_items(items, class_names)
    return [{**item, "condition": found["label"]} for item, found in zip(items, numbered, strict=True)]


def frame_text(item: Mapping[str, Any], prompt: str) -> str:
    """What a frame shows, in words: its own ``text`` in ``dataset.json``, else ``prompt`` with its class for ``{}``."""
    return str(item.get("text") or prompt.replace("{}", str(item.get("view", ""))))


def guided_items(
    guides: Sequence[Mapping[str, Any]], frames: Sequence[Path] = (), count: int | None = None
) -> list[dict[str, Any]]:
    """The images of a set in order.

    Args:
        guides: one entry a guide with ``name``, ``view`` (its class or empty), ``condition`` and, where it is one, ``text``.
        frames: frames to start from; none where images start from noise.
        count: number of images; one for every guide and frame when omitted.

    Raises:
        EchoSynthError: fewer than one image is asked for.
    """
    count = len(guides) * max(len(frames), 1) if count is None else count
    if count < 1:
        raise EchoSynthError(f"the number of images must be 1 or more, got count = {count}: ask for at least one")
    items = []
    for k in range(count):
        guide = guides[k % len(guides)]
        frame = str(frames[(k // len(guides)) % len(frames)].resolve()) if frames else ""
        name = f"{guide['name']}_s{k:06d}"
        given = {key: guide[key] for key in ("view", "condition", "text") if key in guide} | {"source": frame}
        items.append({**given, "index": k, "copy": 0, "mask": "", "id": name, "patient": name})
    return items


def picture_files(path: str | Path) -> list[Path]:
    """A picture, or the pictures of a folder by name.

    Raises:
        EchoSynthError: there is none.
    """
    place = Path(path)
    found = list(frame_files(place).values()) if place.is_dir() else [place] if place.is_file() else []
    if not found:
        raise EchoSynthError(
            f"a picture ({', '.join(SUFFIXES)}) or a folder of some was expected, got {path}: check it"
        )
    return found


def read_picture(path: str | Path, size: int) -> NDArray[np.uint8]:
    """Gray levels (S, S) of a picture.

    Raises:
        EchoSynthError: the file is bad, shows nothing, or has another size.
    """
    array = read_pixels(Path(path)).array
    check_image(array, Path(path))
    if array.shape != (size, size):
        raise EchoSynthError(
            f"pictures must have the generator's {size} x {size} pixels, got {' x '.join(map(str, array.shape))} in {path}: "
            f"bring it to that size (echosynth prepare --size {size})"
        )
    return to_uint8(array)
