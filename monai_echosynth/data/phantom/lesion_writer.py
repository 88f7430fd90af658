"""Write the breast phantom as class folders of PNG pictures with their masks, the layout of the public BUSI data set.

    OUT/benign/benign (1).png, benign (1)_mask.png, benign (7)_mask_1.png (a second lesion)
    OUT/malignant/malignant (1).png, ...
    OUT/normal/normal (1).png, normal (1)_mask.png (black)

References:
    W. Al-Dhabyani et al., "Dataset of breast ultrasound images", Data in Brief 2020,
    https://doi.org/10.1016/j.dib.2019.104863
"""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from tqdm import tqdm

from monai_echosynth.data.atomic import atomic_path
from monai_echosynth.data.phantom.each_index import each_index
from monai_echosynth.data.phantom.lesion_frame import simulate_lesion_frame
from monai_echosynth.data.phantom.lesion_shape import LesionClass
from monai_echosynth.errors import EchoSynthError

__all__ = ["write_lesion_phantom"]


def write_lesion_phantom(
    out_dir: str | os.PathLike[str],
    images: int = 120,
    seed: int = 0,
    width: int = 256,
    workers: int | None = None,
    progress: bool = True,
) -> Path:
    """Simulate pictures of the three classes in turn, one a patient, and write them.

    Args:
        out_dir: folder that receives ``benign/``, ``malignant/`` and ``normal/``.
        images: number of pictures, at least 3.
        seed: population; picture k is the same bytes for the same seed, whatever ``images`` and ``workers``.
        width: edge of a picture in pixels, at least 64.
        workers: processes; ``None`` takes up to 2 cores, 1 stays in this process.
        progress: show a progress bar.

    Returns:
        ``out_dir`` as a path.

    Raises:
        EchoSynthError: an argument is out of range.
        OSError: a file cannot be written.
    """
    if images < len(LesionClass):
        raise EchoSynthError(f"the lesion phantom needs a picture of each of 3 classes, got {images}; raise the number")
    if seed < 0:
        raise EchoSynthError(f"the phantom seed must not be negative, got {seed}; use 0 or more")
    if width < 64:
        raise EchoSynthError(f"phantom frames must be at least 64 pixels wide, got {width}; raise width")
    if workers is not None and workers < 1:
        raise EchoSynthError(f"the phantom needs at least 1 worker, got workers={workers}; use 1 or more")
    root = Path(out_dir)
    count = min(workers or min(2, os.cpu_count() or 1), images)
    with tqdm(total=images, desc="phantom", unit="picture", disable=not progress) as bar:
        for _ in each_index(partial(_write_picture, root, seed, width), range(images), count):
            bar.update()
    return root


def _write_picture(root: Path, seed: int, width: int, index: int) -> int:
    """Write picture ``index`` (from 0) and its masks; returns the index."""
    classes = tuple(LesionClass)
    kind, number = classes[index % len(classes)], index // len(classes) + 1
    frame = simulate_lesion_frame(kind, np.random.SeedSequence([seed, index]), width)
    name = root / kind / f"{kind} ({number})"
    masks = frame.masks or (np.zeros(frame.image.shape, np.bool_),)
    for place, mask in enumerate(masks):
        suffix = f"_mask_{place}.png" if place else "_mask.png"
        _write_png(name.with_name(name.name + suffix), np.where(mask, 255, 0).astype(np.uint8))
    _write_png(name.with_name(f"{name.name}.png"), frame.image)
    return index


def _write_png(path: Path, array: NDArray[np.uint8]) -> None:
    """Array (X, Y) with rows in depth."""
    with atomic_path(path) as partial_path:
        Image.fromarray(np.ascontiguousarray(array.T)).save(partial_path, format="PNG")
