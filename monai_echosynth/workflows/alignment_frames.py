"""A mosaic of frames before and after alignment, each beside its mask and the real frame that is most like it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monai_echosynth.data.area_pool import area_pool
from monai_echosynth.data.datalist import load_datalist, read_label_table
from monai_echosynth.workflows.phantom_stage import prepared
from monai_echosynth.workflows.report.frame_io import read_frame
from monai_echosynth.workflows.report.mosaic import draw_mosaic

__all__ = ["SHOWN", "draw_alignment_frames"]

SHOWN = 24
"""Frames of the mosaic."""

_ACROSS, _SMALL = 2, 16


def draw_alignment_frames(real: Path, synthetic: Path, aligned: Path, path: Path) -> None:
    """Write the mosaic.

    Args:
        real: prepared real frames.
        synthetic: the set as it was.
        aligned: the set aligned.
        path: PNG to write.
    """
    befores, afters = load_datalist(prepared(synthetic), "training"), load_datalist(aligned, "training")
    reals = [read_frame(item).image for item in load_datalist(prepared(real), "training")]
    small = np.stack([_reduced(image) for image in reals])
    colors = read_label_table(prepared(real)).colors
    cells: list[list[NDArray[Any]]] = []
    for number in np.unique(np.linspace(0, len(befores) - 1, SHOWN).astype(int)):
        before, after = read_frame(befores[number]), read_frame(afters[number])
        nearest = reals[int(np.abs(small - _reduced(after.image)).mean(axis=(1, 2)).argmin())]
        cells.append([colors[before.label], before.image, after.image, nearest])
    rows = [[frame for cell in cells[i : i + _ACROSS] for frame in cell] for i in range(0, len(cells), _ACROSS)]
    draw_mosaic(rows, ["Mask", "Synthetic", "Aligned", "Nearest real"] * _ACROSS, path)


def _reduced(image: NDArray[np.float32]) -> NDArray[np.float32]:
    import torch

    return np.asarray(area_pool(torch.from_numpy(image)[None, None], (_SMALL, _SMALL))[0, 0].numpy())
