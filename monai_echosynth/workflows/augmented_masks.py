"""New label maps from those of a prepared folder: warped copies, as a folder that generation takes.

Every map is used once before any is used twice, so that a short head of the list has as many patients as possible. A map keeps
the patient it comes from. The warps are centered on the size that the heart has: warps that shrink it on average cost Dice.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from monai_echosynth.data.atomic import write_json
from monai_echosynth.data.datalist import load_datalist, read_dataset_json, read_label_table
from monai_echosynth.data.write_nifti import write_nifti
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.transforms.echo_warp import Uncovered
from monai_echosynth.transforms.label_augmentation import AugmentLabeld
from monai_echosynth.transforms.load_mask import LoadMaskd
from monai_echosynth.transforms.warp_parameters import WarpLimits

__all__ = ["CENTERED", "write_augmented_masks"]

CENTERED = WarpLimits(rotation=8.0, shift=0.05, scale=(0.88, 1.14), shear=5.0, elastic=0.35)
"""Warps around the size, place and direction that the heart has."""


def write_augmented_masks(
    prepared: str | PathLike[str],
    out: str | PathLike[str],
    count: int,
    seed: int = 0,
    limits: WarpLimits = CENTERED,
    progress: bool = True,
) -> Path:
    """Writes ``labels/<id>_w<copy>.nii.gz`` and ``dataset.json``; map k depends on (seed, its frame, copy) alone.

    Args:
        prepared: prepared folder; maps of its training section are warped.
        out: folder to write; maps of an interrupted run are kept.
        count: number of maps.
        seed: of the warps.
        limits: ranges of the warps.
        progress: show a progress bar.

    Returns:
        ``out`` as a path.

    Raises:
        EchoSynthError: fewer than one map is asked for, or the folder is not prepared.
    """
    if count < 1:
        raise EchoSynthError(f"at least one map must be asked for, got {count}: give a positive number")
    content, frames, root = read_dataset_json(prepared), load_datalist(prepared, "training"), Path(out)
    load = LoadMaskd("label", int(content["spatial_size"][0]))
    warp = AugmentLabeld("label", seed, limits, Uncovered.EXTEND, read_label_table(prepared))
    items = []
    for k in tqdm(range(count), desc="warping maps", unit="map", disable=not progress):
        frame, copy = frames[k % len(frames)], 1 + k // len(frames)
        name = f"{frame['id']}_w{copy:03d}"
        path = root / "labels" / f"{name}.nii.gz"
        if not path.is_file():
            warped = warp({**_origin(frame), **load({"label": frame["label"]}), "copy": copy})["label"]
            width, height = warped.affine.diagonal()[:2].tolist()
            write_nifti(path, np.asarray(warped[0]), (width, height))
        items.append({"label": f"labels/{name}.nii.gz", "id": name, **_origin(frame)})
    sections = {"training": items, "validation": [], "test": []}
    write_json(root / "dataset.json", {**content, "name": root.name, **sections, "duplicates": []})
    return root


def _origin(frame: Mapping[str, Any]) -> dict[Hashable, Any]:
    return {key: str(frame.get(key, "")) for key in ("patient", "view", "phase")}
