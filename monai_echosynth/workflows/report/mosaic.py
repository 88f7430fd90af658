"""Mosaics of frames as pictures for people: depth runs downwards, columns carry titles.

Arrays keep MONAI's order (axis 0 lateral, axis 1 depth) until they are drawn; the transposition happens here.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from monai_echosynth.data.atomic import atomic_path
from monai_echosynth.data.builtin_labels import SEMANTIC_LABELS

__all__ = ["colorize_label", "draw_mosaic", "sample_mosaic"]

GAP = 2
TITLE_HEIGHT = 18


def colorize_label(label: NDArray[np.integer]) -> NDArray[np.uint8]:
    """Paints a semantic map.

    Args:
        label: (X, Y), ids 0..4.

    Returns:
        (X, Y, 3).
    """
    return SEMANTIC_LABELS.colors[np.asarray(label).astype(np.uint8)]


def sample_mosaic(rows: Sequence[Sequence[NDArray[np.generic]]], gap: int = GAP) -> NDArray[np.uint8]:
    """Lays frames out in rows and columns.

    Args:
        rows: Frames (X, Y), gray, or (X, Y, 3), color; uint8, or float in [0, 1]. Rows may differ in length, and frames
            in size: each is placed at the top left of its cell.
        gap: Pixels between cells.

    Returns:
        (height, width, 3), depth downwards; for a TensorBoard writer use `dataformats="HWC"`.

    Raises:
        ValueError: If there is no frame, or one is neither (X, Y) nor (X, Y, 3).
    """
    cells = [[_picture(frame) for frame in row] for row in rows]
    if not any(cells):
        raise ValueError("a mosaic needs at least one frame, received none")
    height = max(cell.shape[0] for row in cells for cell in row)
    width = max(cell.shape[1] for row in cells for cell in row)
    columns = max(len(row) for row in cells)
    canvas = np.zeros((len(cells) * (height + gap) - gap, columns * (width + gap) - gap, 3), dtype=np.uint8)
    for r, row in enumerate(cells):
        for c, cell in enumerate(row):
            top, left = r * (height + gap), c * (width + gap)
            canvas[top : top + cell.shape[0], left : left + cell.shape[1]] = cell
    return canvas


def draw_mosaic(
    rows: Sequence[Sequence[NDArray[np.generic]]], titles: Sequence[str], path: str | os.PathLike[str]
) -> None:
    """Writes a mosaic as a PNG with one title a column.

    Args:
        rows: As in `sample_mosaic`.
        titles: Column titles, left to right; fewer titles than columns leave the rest untitled.
        path: Where the PNG goes.

    Raises:
        ValueError: As `sample_mosaic`.
        OSError: If the file cannot be written.
    """
    body = sample_mosaic(rows)
    columns = max(len(row) for row in rows)
    scale = max(1, round(160 * columns / body.shape[1]))
    picture = Image.fromarray(body).resize((body.shape[1] * scale, body.shape[0] * scale), Image.Resampling.BICUBIC)
    page = Image.new("RGB", (picture.width, picture.height + TITLE_HEIGHT + 4), (0, 0, 0))
    page.paste(picture, (0, TITLE_HEIGHT + 4))
    pen, font = ImageDraw.Draw(page), ImageFont.load_default(size=13)
    pitch = (picture.width + GAP * scale) / columns
    for column, title in enumerate(titles[:columns]):
        pen.text((column * pitch + 4, 3), title, fill=(230, 234, 240), font=font)
    with atomic_path(path) as partial:
        page.save(partial, format="PNG", optimize=True)


def _picture(frame: NDArray[np.generic]) -> NDArray[np.uint8]:
    """(X, Y[, 3]) uint8 or float in [0, 1] -> (rows, columns, 3) uint8."""
    array = np.asarray(frame)
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] != 3):
        raise ValueError(f"a frame of a mosaic is (X, Y) or (X, Y, 3), received shape {array.shape}")
    if array.dtype != np.uint8:
        array = np.rint(np.clip(np.nan_to_num(array.astype(np.float64)), 0.0, 1.0) * 255.0).astype(np.uint8)
    colored = array if array.ndim == 3 else np.repeat(array[..., None], 3, axis=2)
    return np.ascontiguousarray(np.swapaxes(colored, 0, 1))
