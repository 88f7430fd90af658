"""Label maps from a shape model: draw a shape, put it into a sector where such hearts were seen, check, draw again if need be.

Map i depends on (seed, i) alone: its attempts are numbered, and the first that passes the check is taken.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from monai_echosynth.data.label_table import LabelTable
from monai_echosynth.data.shapes.anatomy_check import check_anatomy
from monai_echosynth.data.shapes.anatomy_rules import AnatomyRules
from monai_echosynth.data.shapes.contours import polygon_area
from monai_echosynth.data.shapes.layout import ShapeLayout
from monai_echosynth.data.shapes.rasterize import draw_shape
from monai_echosynth.data.shapes.shape_model import ShapeModel
from monai_echosynth.errors import EchoSynthError

__all__ = ["ATTEMPTS", "MapSampler", "SampledMap", "Sector", "lost_area"]

ATTEMPTS = 50
"""Draws after which a map is given up."""

MAX_LOST = 0.2
"""Largest share of a curve's area that the sector's edge and other structures may take."""


class Sector(NamedTuple):
    """Field of view of one training map.

    Attributes:
        mask: (X, Y), True inside the ultrasound cone.
        spacing: pixel size along x and y, mm.
    """

    mask: NDArray[np.bool_]
    spacing: tuple[float, float]


class SampledMap(NamedTuple):
    """A valid map.

    Attributes:
        label: (X, Y) ids of the table.
        spacing: pixel size along x and y, mm.
        source: number of the sector.
        rejected: violations of the attempts that were turned down; each attempt gives one entry at least.
        attempts: number of shapes drawn, 1 when the first was valid.
    """

    label: NDArray[np.uint8]
    spacing: tuple[float, float]
    source: int
    rejected: tuple[str, ...]
    attempts: int


@dataclass(frozen=True)
class MapSampler:
    """Draws valid maps.

    Attributes:
        model: fitted shapes.
        rules: what makes a map valid.
        sectors: fields of view; one a training shape, in their order, or any others.
        k: modes stay within so many standard deviations.
        modes: number of modes used, all that were kept when None.
    """

    model: ShapeModel
    rules: AnatomyRules
    sectors: Sequence[Sector]
    k: float = 2.5
    modes: int | None = None

    def sample(self, seed: int, index: int) -> SampledMap:
        """Map ``index`` of a study.

        Raises:
            EchoSynthError: no attempt was valid.
        """
        rejected: list[str] = []
        for attempt in range(ATTEMPTS):
            shape = self.model.sample_one(seed, index, self.k, self.modes, attempt)
            number = shape.source if len(self.sectors) == len(self.model.poses) else self._any_sector(shape.source)
            sector = self.sectors[number]
            label = draw_shape(shape.points, self.model.layout, self.rules.table, sector.mask, sector.spacing)
            found = check_anatomy(label, self.rules, sector.mask)
            lost = lost_area(label, shape.points, self.model.layout, self.rules.table, sector.spacing)
            found += [f"{name} loses {share:.0%} of its area" for name, share in lost.items() if share > MAX_LOST]
            if not found:
                return SampledMap(label, sector.spacing, number, tuple(rejected), attempt + 1)
            rejected += found
        reason, count = Counter(rejected).most_common(1)[0]
        raise EchoSynthError(
            f"map {index} of seed {seed} needs a valid shape, got none in {ATTEMPTS} attempts (most often, {count} times:"
            f" {reason}): lower k, or fit on maps of sectors like these"
        )

    def _any_sector(self, source: int) -> int:
        return source % len(self.sectors)


def lost_area(
    label: NDArray[np.uint8],
    points: NDArray[np.float64],
    layout: ShapeLayout,
    table: LabelTable,
    spacing: tuple[float, float],
) -> dict[str, float]:
    """Share of the area of each curve that is not seen in a drawn map: cut by the sector or painted over."""
    pixel = spacing[0] * spacing[1]
    return {
        outline.name: 1.0
        - np.count_nonzero(outline.mask(label, table))
        * pixel
        / max(polygon_area(points[layout.rings[outline.name]]), pixel)
        for outline in layout.outlines
    }
