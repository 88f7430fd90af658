"""A mosaic for the utility study: the same masks, and what every arm makes of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from monai_echosynth.data.datalist import load_datalist, read_label_table
from monai_echosynth.data.read_frame import read_pixels
from monai_echosynth.workflows.report.mosaic import draw_mosaic
from monai_echosynth.workflows.utility_cells import ARM_TITLES, sources
from monai_echosynth.workflows.utility_settings import UtilitySettings

__all__ = ["draw_utility_frames"]

_COLUMNS = 6


def draw_utility_frames(study: UtilitySettings, out: Path, path: Path) -> list[str]:
    """Rows: real frames, masks, then the frames that each arm makes of these masks, at the first number of patients.

    Args:
        study: what was compared.
        out: folder of the study.
        path: PNG to write.

    Returns:
        What the rows show, from top to bottom.
    """
    count = study.patients[0]
    real = load_datalist(out / "patients" / str(count), "training")
    colors = read_label_table(out / "patients" / str(count)).colors
    rows, named = [[_pixels(item["image"]) for item in real[:_COLUMNS]]], ["real frames"]
    for kind in study.masks:
        made = [s for s in sources(study) if (s.patients, s.masks, s.nfe) == (count, kind, None)]
        for number, source in enumerate(made):
            items = load_datalist(out / "sets" / source.name, "training")[:_COLUMNS]
            if number == 0:
                rows.append([colors[_pixels(item["label"])] for item in items])
                named.append(f"masks ({kind})")
            rows.append([_pixels(item["image"]) for item in items])
            named.append(ARM_TITLES[source.arm].removeprefix("Real + "))
    draw_mosaic(rows, [], path)
    return named


def _pixels(path: str) -> NDArray[np.uint8]:
    return np.asarray(read_pixels(Path(path)).array).astype(np.uint8)
