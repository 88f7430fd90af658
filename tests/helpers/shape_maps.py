"""Small label maps of made-up hearts: a left heart as in CAMUS and four chambers as in a transesophageal view."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from monai_echosynth.data.builtin_labels import SEMANTIC_LABELS
from monai_echosynth.data.label_table import LabelTable
from monai_echosynth.data.shapes import ShapeMap

SIZE = 80
SPACING = (1.5, 1.25)
FOUR = LabelTable.from_dict(
    {
        "name": "four",
        "labels": [
            {"id": i, "name": name, "channel": i, "color": [40 * i, 250 - 40 * i, 90]}
            for i, name in enumerate(("outside", "la", "lv", "ra", "rv", "sector"))
        ],
    }
)


def cone(size: int = SIZE) -> NDArray[np.bool_]:
    """A sector with its apex in the middle of the upper side."""
    x, y = np.mgrid[:size, :size].astype(float)
    x -= (size - 1) / 2
    return (np.abs(x) <= 0.75 * y + 0.5) & (np.hypot(x, y) <= size - 1)


def _plane(generator: np.random.Generator) -> tuple[NDArray[Any], NDArray[Any], float]:
    """Points in mm from the middle of the picture, turned a little, and a size near one."""
    i, j = np.mgrid[:SIZE, :SIZE].astype(float)
    shift, angle = generator.normal(0, 1.5, 2), generator.normal(0, 0.08)
    x, y = (i - (SIZE - 1) / 2) * SPACING[0] - shift[0], (j - SIZE / 2) * SPACING[1] - 4 - shift[1]
    cosine, sine = np.cos(angle), np.sin(angle)
    return cosine * x + sine * y, cosine * y - sine * x, float(np.exp(generator.normal(0, 0.07)))


def left_heart(seed: int) -> NDArray[np.uint8]:
    """Cavity in a U-shaped wall above an atrium; ids of the semantic table."""
    generator = np.random.default_rng(seed)
    x, y, size = _plane(generator)
    y = y - 10  # the apex stays clear of the sector's tip
    half, length, wall = 12 * size * np.exp(generator.normal(0, 0.1)), 42 * size, 6.5 + generator.normal(0, 0.5)
    label = np.full(x.shape, 4, np.uint8)
    atrium = np.hypot(x / (half * 1.06), (y - 4) / (14 * size)) < 1
    label[atrium & (y > 0)] = 3
    label[(np.hypot(x / (half + wall), y / (length + wall)) < 1) & (y <= 0)] = 2
    label[(np.hypot(x / half, y / length) < 1) & (y <= 0)] = 1
    label[~cone()] = 0
    return label


def four_chambers(seed: int) -> NDArray[np.uint8]:
    """Atria above ventricles, each atrium on its ventricle, septa between left and right; ids of the table ``FOUR``."""
    generator = np.random.default_rng(seed)
    x, y, size = _plane(generator)
    label = np.full(x.shape, 5, np.uint8)
    for atrium, ventricle, side in ((1, 2, 1.0), (3, 4, -1.0)):
        half = 10 * size * np.exp(generator.normal(0, 0.1))
        middle = x - side * (half + 2.5)
        level = y + (2.0 if side > 0 else 0.0)
        label[(np.hypot(middle / half, level / (14 * size)) < 1) & (level <= 0)] = atrium
        reach = (30 if ventricle == 2 else 25) * size
        label[(np.hypot(middle / half, level / reach) < 1) & (level > 0)] = ventricle
    label[~cone()] = 0
    return label


def left_hearts(count: int, first: int = 0) -> list[ShapeMap]:
    return [ShapeMap(left_heart(s), SPACING, f"heart{s}.nii.gz", f"p{s // 2}") for s in range(first, first + count)]


def four_chamber_hearts(count: int, first: int = 0) -> list[ShapeMap]:
    return [ShapeMap(four_chambers(s), SPACING, f"tee{s}.nii.gz", f"p{s // 2}") for s in range(first, first + count)]


def hearts_of(table: LabelTable, count: int, first: int = 0) -> list[ShapeMap]:
    return (left_hearts if table is SEMANTIC_LABELS else four_chamber_hearts)(count, first)
