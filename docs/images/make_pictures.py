"""Draws the pictures of the documentation, from the embedded phantom alone.

    python docs/images/make_pictures.py                  phantom.png: simulated frames with their outlines
    python docs/images/make_pictures.py runs/demo        demo.png: mask, phantom frame, synthetic frames of a finished study

Frames of patients are never drawn: a study on other data than the phantom is refused. The background is transparent and the
lettering a middle gray, so that a picture serves light and dark pages.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from monai_echosynth.data.atomic import atomic_path
from monai_echosynth.data.builtin_labels import SEMANTIC_LABELS
from monai_echosynth.data.phantom import Phase, StyleName, View, plan_patient, render
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.workflows.report.frame_io import Frame, read_frame

__all__ = ["draw_phantom", "draw_study", "main"]

HERE = Path(__file__).resolve().parent
INK = "#7d8894"
OUTLINES = (((1, 2), "myo"), ((3,), "la"), ((1,), "lv_endo"))
COLORS = {entry.name: np.asarray(entry.color) / 255.0 for entry in SEMANTIC_LABELS.entries}
matplotlib.use("agg")


def draw_phantom(path: Path, seed: int = 0) -> None:
    """One patient of each machine style, four-chamber view at end diastole above, two-chamber view at end systole below."""
    plans = [next(p for i in range(1, 200) if (p := plan_patient(seed, i)).style is style) for style in StyleName]
    rows = ((View.FOUR_CHAMBER, Phase.ED), (View.TWO_CHAMBER, Phase.ES))
    frames = [[render(seed, plan, *kind) for plan in plans] for kind in rows]
    tall = max(frame.image.shape[1] / frame.image.shape[0] for row in frames for frame in row)
    figure, axes = _panels(len(rows), len(plans), tall)
    for line, row, (view, phase) in zip(axes, frames, rows, strict=True):
        for axis, frame in zip(line, row, strict=True):
            _show_image(axis, frame.image / 255.0, frame.image.shape[0] / frame.image.shape[1])
            _show_outlines(axis, frame.label)
        line[0].set_ylabel(f"{view} {phase}", color=INK, fontsize=11)
    for axis, plan in zip(axes[0], plans, strict=True):
        axis.set_title(str(plan.style), color=INK, fontsize=11)
    _save(figure, path)


def draw_study(path: Path, study: Path, rows: int = 3) -> None:
    """Mask, held-out phantom frame and the study's showcase images of that mask, a mask a row.

    Args:
        path: PNG file to write.
        study: folder of a finished study on the phantom.
        rows: rows of the picture: every second mask of the showcase, as many as there are.

    Raises:
        EchoSynthError: the study is not finished, or its data are not the phantom.
    """
    shown = list(_shown(study))[::2][:rows]
    columns = 2 + len(shown[0][1])
    figure, axes = _panels(len(shown), columns, max(1.0 / real.aspect for real, _ in shown))
    for row, (real, images) in zip(axes, shown, strict=True):
        _show_map(row[0], real.label, real.aspect)
        for axis, frame in zip(row[1:], (real, *images), strict=True):
            _show_image(axis, frame.image, real.aspect)
    for axis, title in zip(axes[0], ("mask", "phantom frame", "synthetic frames"), strict=False):
        axis.set_title(title, color=INK, fontsize=11)
    _save(figure, path)


def _shown(study: Path) -> Iterator[tuple[Frame, list[Frame]]]:
    """Frames of the validation section and the images made from their masks, in the showcase's order."""
    if _read(study / "summary.json")["data"]["source"] != "phantom":
        raise EchoSynthError(
            f"pictures are made from the phantom only, got a study on other data in {study}: name another"
        )
    reals = {item["id"]: item for item in _read(study / "prepared" / "dataset.json")["validation"]}
    made = _read(study / "showcase" / "dataset.json")["training"]
    for mask in dict.fromkeys(item["mask"] for item in made):
        images = [_frame(study / "showcase", item) for item in made if item["mask"] == mask]
        yield _frame(study / "prepared", reals[mask]), images


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise EchoSynthError(f"a finished study was expected, got no {path}: run 'make demo' first")
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def _frame(folder: Path, item: Mapping[str, Any]) -> Frame:
    return read_frame({**item, "image": folder / item["image"], "label": folder / item["label"]})


def _panels(rows: int, columns: int, tall: float) -> tuple[Figure, list[list[Axes]]]:
    """Black panels of width 1 and height ``tall``."""
    width = 11.0
    figure = Figure(figsize=(width, rows * tall * width / columns + 0.3), layout="constrained", facecolor="none")
    figure.get_layout_engine().set(w_pad=0.02, h_pad=0.02, wspace=0.01, hspace=0.01)  # type: ignore[union-attr]
    axes = figure.subplots(rows, columns, squeeze=False)
    for axis in axes.flat:
        axis.set(xlim=(0.0, 1.0), ylim=(tall, 0.0), aspect="equal", facecolor="black", xticks=[], yticks=[])
        axis.autoscale(False)
        axis.spines[:].set_visible(False)
    return figure, [list(row) for row in axes]


def _show_image(axis: Axes, image: NDArray[Any], aspect: float) -> None:
    """An image (X, Y) in [0, 1], depth downwards; ``aspect`` is the frame's physical width over its height."""
    extent = (0.0, 1.0, 1.0 / aspect, 0.0)
    axis.imshow(image.T, cmap="gray", vmin=0.0, vmax=1.0, extent=extent, interpolation="lanczos")


def _show_map(axis: Axes, label: NDArray[np.uint8], aspect: float) -> None:
    table = np.stack([COLORS[entry.name] for entry in SEMANTIC_LABELS.entries])
    axis.imshow(table[label].transpose(1, 0, 2), extent=(0.0, 1.0, 1.0 / aspect, 0.0), interpolation="nearest")


def _show_outlines(axis: Axes, label: NDArray[np.uint8]) -> None:
    """Outlines of a map (X, Y) with square pixels."""
    x, y = ((np.arange(n) + 0.5) / label.shape[0] for n in label.shape)
    for ids, name in OUTLINES:
        mask = np.isin(label, ids).T.astype(float)
        if mask.any():
            axis.contour(x, y, mask, levels=[0.5], colors=[COLORS[name]], linewidths=1.3)


def _save(figure: Figure, path: Path) -> None:
    with atomic_path(path) as partial:
        figure.savefig(partial, format="png", dpi=130, facecolor="none", metadata={"Software": None})
    print(path.name)


def main() -> int:
    """Reads the command line; returns the exit code."""
    parser = argparse.ArgumentParser(description="Draw the pictures of the documentation from the embedded phantom.")
    parser.add_argument("study", nargs="?", type=Path, help="folder of a finished study on the phantom")
    parser.add_argument(
        "--out", type=Path, default=HERE, metavar="DIR", help="folder to write (default: beside this file)"
    )
    args = parser.parse_args()
    try:
        if args.study is not None:
            draw_study(args.out / "demo.png", args.study)
        else:
            draw_phantom(args.out / "phantom.png")
    except (EchoSynthError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
