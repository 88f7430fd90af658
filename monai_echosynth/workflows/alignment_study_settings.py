"""Sizes, budgets and names of the alignment study.

A *cell* is one way to align: ``full`` is the aligner as it is, ``no_<component>`` the aligner without a component, ``mmd`` and
``coral`` the aligner with another pull towards real frames than attention's, ``mmd_only`` and ``coral_only`` the same without the
critic, so with no other pull at all. Baselines are named as such; they go the same part of the way, and those that take an
exemplar choose it as the aligner does. ``before`` is the set as it was.
An *arm* is what segmenters are trained on: ``before``, the set of each cell, and ``both``, the set as it was and the aligned one
together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from monai_echosynth.errors import EchoSynthError
from monai_echosynth.inferers.alignment import check_strength
from monai_echosynth.workflows.alignment_settings import COMPONENTS, AlignmentSettings
from monai_echosynth.workflows.segmentation import SEGMENTATION_PRESETS, SegmentationPreset, SegmentationSettings

__all__ = [
    *(
        "BASELINES",
        "BEFORE",
        "BOTH",
        "CELLS",
        "EXAMINER",
        "EXAMINER_SEED",
        "FULL",
        "AlignmentStudySettings",
        "cell_ids",
    ),
]

FULL, BEFORE, BOTH = "full", "before", "both"
EXAMINER, EXAMINER_SEED = "examiner", 1000
"""The segmenter of real frames that no aligner has met, and how its seed differs from that of the judge."""

BASELINES = ("histogram", "fourier", "cycle")
PULLS: Mapping[str, Mapping[str, Any]] = {
    **{kind: {"alignment_kind": kind} for kind in ("mmd", "coral")},
    **{f"{kind}_only": {"alignment_kind": kind, "realism": 0.0} for kind in ("mmd", "coral")},
}
CELLS = (*(f"no_{name}" for name in COMPONENTS), *PULLS, *BASELINES, BOTH)
"""What the full aligner can be compared with."""


def cell_ids(cell: str) -> Mapping[str, Any]:
    """Config ids in which a cell's aligner differs from the full one.

    Raises:
        EchoSynthError: there is no such aligner.
    """
    if cell == FULL:
        return {}
    if cell in PULLS:
        return PULLS[cell]
    name = cell.removeprefix("no_")
    if not cell.startswith("no_") or name not in COMPONENTS:
        raise EchoSynthError(f"what is compared must be among {', '.join(CELLS)}, got {cell!r}: correct the name")
    return COMPONENTS[name]


@dataclass(frozen=True)
class AlignmentStudySettings:
    """The study.

    Attributes:
        compared: names in ``CELLS``.
        size: side of the frames in pixels, where they are simulated.
        patients: patients of each phantom.
        n_test: test patients of the real side's phantom.
        styles: machines of the synthetic and of the real side's phantom.
        aligner: budget of every aligner.
        segmentation: budget of every segmenter.
        segmenters: segmenters of every arm, which differ in their seed; their scores are averaged.
        strength: lowest and highest part of the way to their aligned form that frames go.
        seed: seed of everything.
    """

    compared: tuple[str, ...] = ()
    size: int = 96
    patients: int = 80
    n_test: int = 30
    styles: tuple[str, str] = ("crisp", "hazy")
    aligner: AlignmentSettings = field(default_factory=AlignmentSettings)
    segmentation: SegmentationSettings = field(
        default_factory=lambda: replace(SEGMENTATION_PRESETS[SegmentationPreset.QUICK], iterations=200)
    )
    segmenters: int = 1
    strength: tuple[float, float] = (0.0, 1.0)
    seed: int = 0

    def __post_init__(self) -> None:
        check_strength(self.strength)
        if self.segmenters < 1:
            raise EchoSynthError(f"every set needs 1 segmenter or more, got {self.segmenters}: correct the number")
        for cell in self.compared:
            if cell not in (*BASELINES, BOTH):
                cell_ids(cell)

    @property
    def cells(self) -> tuple[str, ...]:
        """All ways to align, the full one first."""
        return (FULL, *(cell for cell in self.compared if cell != BOTH))

    @property
    def arms(self) -> tuple[str, ...]:
        """All that segmenters are trained on."""
        return (BEFORE, *self.cells, *(cell for cell in self.compared if cell == BOTH))

    def segmenters_of(self, arm: str) -> tuple[str, ...]:
        """Names of the segmenters of an arm."""
        return (f"segmenter_{arm}", *(f"segmenter_{arm}_{number}" for number in range(1, self.segmenters)))

    @property
    def networks(self) -> tuple[str, ...]:
        """The cells that have an aligner."""
        return tuple(cell for cell in self.cells if cell not in BASELINES)
