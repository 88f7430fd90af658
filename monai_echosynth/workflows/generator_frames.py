"""The same frame of every set: families and solvers below each other, network calls from left to right."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from monai_echosynth.data.atomic import atomic_path
from monai_echosynth.data.datalist import load_datalist
from monai_echosynth.data.read_frame import read_pixels
from monai_echosynth.workflows.generator_grid import Cell
from monai_echosynth.workflows.report.mosaic import colorize_label
from monai_echosynth.workflows.report.palette import INK
from monai_echosynth.workflows.report.svg import new_figure

__all__ = ["draw_generator_frames", "line_title"]


def line_title(family: str, solver: str | None) -> str:
    """Name of a family and solver in figures and tables."""
    name = {"spade-gan": "SPADE-GAN"}.get(family, family.upper())
    return name if solver is None else f"{name}, {solver.replace('_', ' ')}"


def draw_generator_frames(cells: Sequence[Cell], real: Path, out: Path, path: Path, number: int = 0) -> None:
    """Draw frame ``number`` of every set, beside its mask and the real frame of that mask, as a PNG.

    Args:
        cells: the sets.
        real: prepared folder that the masks are from.
        out: folder of the study.
        path: file to write.
        number: position of the frame in the sets, which all draw it from the same mask with the same seed.
    """
    items = {cell: load_datalist(out / "cells" / cell.name / "synthetic", "training")[number] for cell in cells}
    calls = sorted({cell.nfe for cell in cells if cell.solver is not None}) or [1]
    lines = list(dict.fromkeys((cell.family, cell.solver) for cell in cells))
    rows = max(len(lines), 2)
    canvas = new_figure(1.5 * (len(calls) + 1), 1.6 * rows + 0.2)
    grid = canvas.subplots(rows, len(calls) + 1, squeeze=False)
    for axes in grid.ravel():
        axes.set_axis_off()
    first = next(iter(items.values()))
    guide = [colorize_label(_pixels(first["label"])), *_real_frame(real, first)]
    for axes, picture, title in zip(grid[:, 0], guide, ("mask", "real frame"), strict=False):
        _show(axes, picture, title)
    for row, (family, solver) in enumerate(lines):
        for cell, item in items.items():
            if (cell.family, cell.solver) != (family, solver):
                continue
            column = calls.index(cell.nfe) if cell.nfe in calls else 0
            noun = "call" if cell.nfe == 1 else "calls"
            _show(grid[row, 1 + column], _pixels(item["image"]), f"{cell.nfe} {noun}", line_title(family, solver))
    with atomic_path(path) as partial:
        canvas.savefig(partial, format="png", dpi=150, facecolor="white")


def _show(axes: Axes, picture: NDArray[Any], title: str, line: str = "") -> None:
    axes.imshow(np.swapaxes(picture, 0, 1), cmap="gray", vmin=0, vmax=255)
    axes.set_title(f"{line}\n{title}" if line else title, fontsize=6.5, color=INK)


def _real_frame(real: Path, item: dict[str, Any]) -> list[NDArray[Any]]:
    """The frame whose mask guided; none where the mask came from elsewhere."""
    frames = {str(frame.get("id")): frame for frame in load_datalist(real, "training")}
    found = frames.get(str(item.get("mask")))
    return [] if found is None else [_pixels(found["image"])]


def _pixels(path: str) -> NDArray[np.uint8]:
    return np.asarray(read_pixels(Path(path)).array).astype(np.uint8)
