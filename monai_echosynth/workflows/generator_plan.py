"""A grid together with the data it is run on: sizes, budgets, and whether views can be told apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from monai_echosynth.data.builtin_labels import SEMANTIC_LABELS
from monai_echosynth.data.check_prepared import check_prepared
from monai_echosynth.data.datalist import load_datalist, read_dataset_json, read_label_table
from monai_echosynth.data.view_labels import view_items, view_names
from monai_echosynth.diffusion.family import PIXEL_FAMILIES, named_family
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.metrics.domain_gap import FEWEST_FRAMES
from monai_echosynth.workflows.gan import GAN_PRESETS, GanSettings
from monai_echosynth.workflows.generator_grid import GAN, Cell, StudyGrid, cells_of
from monai_echosynth.workflows.segmentation import SEGMENTATION_PRESETS, SegmentationPreset, SegmentationSettings
from monai_echosynth.workflows.training_settings import PRESETS, GenerativeSettings, family_settings
from monai_echosynth.workflows.view_classification import VIEW_PRESETS, ViewSettings

__all__ = ["PHANTOM_VIEWS", "StudyPlan", "make_plan"]

PHANTOM_VIEWS = ("2CH", "4CH")
_SECTIONS = ("training", "validation", "test")


@dataclass(frozen=True)
class StudyPlan:
    """What is done.

    Attributes:
        grid: the grid.
        cells: its cells.
        size: side of the frames in pixels.
        views: whether view classifiers are trained.
        conditioned: whether diffusion is told view and phase of each frame.
        source: name of the data.
        notes: what is left out, and why.
    """

    grid: StudyGrid
    cells: tuple[Cell, ...]
    size: int
    views: bool
    conditioned: bool
    source: str
    notes: tuple[str, ...]

    @property
    def segmentation(self) -> SegmentationSettings:
        """Budget of every segmenter."""
        settings = SEGMENTATION_PRESETS[SegmentationPreset(self.grid.preset)]
        steps = self.grid.segmenter_steps or settings.iterations
        return replace(settings, spatial_size=self.size, iterations=steps, seed=self.grid.seed)

    @property
    def classifier(self) -> ViewSettings:
        """Budget of every view classifier."""
        settings = VIEW_PRESETS[self.grid.preset]
        steps = self.grid.view_steps or settings.iterations
        return replace(settings, spatial_size=self.size, iterations=steps, seed=self.grid.seed)

    @property
    def gan(self) -> GanSettings:
        """Sizes and budget of the SPADE-GAN."""
        return replace(GAN_PRESETS[self.grid.preset].scaled(self.grid.budget), spatial_size=self.size)

    def diffusion(self, family: str) -> GenerativeSettings:
        """Sizes and budget of a family of diffusion."""
        return replace(family_settings(self.grid.preset, family).scaled(self.grid.budget), spatial_size=self.size)

    def autoencoder(self, family: str) -> str | None:
        """Size of the gamma-VAE whose latents a family denoises; families with one size share one. None without."""
        if family == GAN or named_family(family) in PIXEL_FAMILIES:
            return None
        return self.diffusion(family).autoencoder.size


def make_plan(grid: StudyGrid, data: str | Path | None = None) -> StudyPlan:
    """The plan for prepared data, or for the phantom.

    Raises:
        EchoSynthError: the grid has no cells, or the data are not prepared, of another size, of other labels or too few.
    """
    cells, notes = cells_of(grid)
    if grid.frames is not None and grid.frames < FEWEST_FRAMES:
        raise EchoSynthError(f"'frames' must be at least {FEWEST_FRAMES}, got {grid.frames}: raise it")
    if data is None:
        size = grid.size or PRESETS[grid.preset].spatial_size
        return StudyPlan(grid, tuple(cells), size, True, True, "phantom", tuple(notes))
    for section in _SECTIONS:
        check_prepared(data, section)
    if read_label_table(data) != SEMANTIC_LABELS:
        names = ", ".join(SEMANTIC_LABELS.names.values())
        raise EchoSynthError(f"the families draw maps of {names}, got other labels in {data}: prepare apical views")
    items = {section: load_datalist(data, section) for section in _SECTIONS}
    for section in ("training", "test"):
        if len(items[section]) < FEWEST_FRAMES:
            raise EchoSynthError(
                f"at least {FEWEST_FRAMES} frames are needed in '{section}', got {len(items[section])} in {data}: add patients"
            )
    views, conditioned, remarks = _classes(items)
    size = _size(grid, data)
    return StudyPlan(grid, tuple(cells), size, views, conditioned, Path(data).name, (*notes, *remarks))


def _size(grid: StudyGrid, data: str | Path) -> int:
    """Side of the frames of a prepared folder, which the networks must be able to halve."""
    found = read_dataset_json(data).get("spatial_size")
    wanted = grid.size or (found[0] if isinstance(found, list) and found else None)
    step = 64 if grid.preset == "paper" else 32
    if found != [wanted, wanted] or not isinstance(wanted, int) or wanted % step:
        rule = f"{grid.size} x {grid.size} pixels" if grid.size else f"a square with a side that {step} divides"
        raise EchoSynthError(
            f"frames must be {rule}, got {found} in {data}: prepare them so (echosynth prepare --size)"
        )
    return wanted


def _classes(items: Mapping[str, Sequence[Mapping[str, Any]]]) -> tuple[bool, bool, list[str]]:
    """Whether there are views to tell apart, whether a generator can be told of view and phase, and what is said of it."""
    seen = {str(item.get("view") or "") for section in items.values() for item in section}
    if len(seen - {""}) < 2 or "" in seen:
        known = ", ".join(sorted(seen - {""})) or "none"
        return (
            False,
            False,
            [f"view classification is left out: it takes two views or more of every frame, got {known}"],
        )
    names = view_names(items["training"])
    for section in ("validation", "test"):
        view_items(items[section], names)
    kinds = [
        {(item.get("view"), item.get("phase") or "") for item in items[section]}
        for section in ("training", "validation")
    ]
    told = all(phase for _, phase in kinds[0]) and kinds[1] <= kinds[0]
    note = "diffusion is not told view and phase: not every frame has a phase, or some occur in validation alone"
    return True, told, [] if told else [note]
