"""A mosaic of masks, target frames and synthetic frames of one cell of the adaptation study."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from monai_echosynth.data.datalist import load_datalist, read_label_table
from monai_echosynth.data.read_frame import read_pixels
from monai_echosynth.workflows.report.mosaic import draw_mosaic
from monai_echosynth.workflows.tee_names import generated

__all__ = ["draw_tee_frames"]

_COLUMNS = 6


def draw_tee_frames(out: Path, cell: str, count: int, path: Path) -> None:
    """Rows: masks, real frames, frames from the same masks, masks of the shape model, frames from them.

    Args:
        out: folder of the study.
        cell: name of the cell.
        count: number of target frames of the cell.
        path: PNG to write.
    """
    few = {str(item["id"]): item for item in load_datalist(out / f"few_{count}", "training")}
    colors = read_label_table(out / f"few_{count}").colors
    from_frames, from_shapes = (load_datalist(out / name, "training") for name in generated(cell))
    chosen = [from_frames[int(i)] for i in np.linspace(0, min(count, len(from_frames)) - 1, _COLUMNS)]
    rows = [
        [colors[_pixels(item["label"])] for item in chosen],
        [_pixels(few[str(item["mask"])]["image"]) for item in chosen],
        [_pixels(item["image"]) for item in chosen],
        [colors[_pixels(item["label"])] for item in from_shapes[:_COLUMNS]],
        [_pixels(item["image"]) for item in from_shapes[:_COLUMNS]],
    ]
    draw_mosaic(rows, [], path)


def _pixels(path: str) -> NDArray[np.uint8]:
    return np.asarray(read_pixels(Path(path)).array).astype(np.uint8)
