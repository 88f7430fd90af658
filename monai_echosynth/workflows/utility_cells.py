"""Names and numbers in the utility study: the synthetic sets, the segmenters that learn from them, and who is compared with whom.

A *cell* is one segmenter: an arm, a number of real patients and, where there are synthetic frames, their ratio to the real ones,
the source of their masks and the augmentation. ``diffusion_10_x2_shapes`` is one. Cells of the comparison at equal compute have
the number of network calls per image in place of a ratio: ``diffusion_45_n8``, and ``diffusion_45_n8_alone`` without real frames.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from monai_echosynth.data.annealed import AnnealedSampler
from monai_echosynth.workflows.tee_settings import ANNEALED, STRONG_AFFINE
from monai_echosynth.workflows.utility_settings import ALL, Arm, Augmentation, Masks, Mixing, Patients, UtilitySettings

__all__ = [
    *("ARM_TITLES", "BASELINES", "REFERENCE", "Cell", "SyntheticSource", "cells", "compute_images", "frame_count"),
    *("line_of", "line_title", "mean_share", "pairs", "segmenter_options", "sources"),
]

BASELINES = (Arm.REAL, Arm.AFFINE)
"""Arms without synthetic frames, one each per number of patients."""

ARM_TITLES: Mapping[str, str] = {
    Arm.REAL: "Real frames",
    Arm.AFFINE: "Real frames, strong affine augmentation",
    Arm.SYNTHSEG: "Real + randomized synthesis (SynthSeg)",
    Arm.GAN: "Real + SPADE-GAN",
    Arm.DIFFUSION: "Real + diffusion",
    Arm.ADAPTED: "Real + adapted diffusion",
}

_MASK_TITLES = {
    Masks.REAL: "masks as they are",
    Masks.AUGMENTED: "warped masks",
    Masks.SHAPES: "masks of the shape model",
}


@dataclass(frozen=True)
class SyntheticSource:
    """A synthetic set.

    Attributes:
        arm: what makes it.
        patients: real patients that it is made from.
        masks: source of its masks.
        nfe: network calls per image where compute is compared, None for those of the study.
    """

    arm: Arm
    patients: Patients
    masks: Masks
    nfe: int | None = None

    @property
    def name(self) -> str:
        """Unique in the study."""
        return f"{self.arm}_{self.patients}_{self.masks}" + (f"_n{self.nfe}" if self.nfe else "")

    @property
    def bundle(self) -> str:
        """Name of its generator."""
        return f"{self.arm}_{self.patients}"


@dataclass(frozen=True)
class Cell:
    """A segmenter.

    Attributes:
        arm: what it is trained on.
        patients: number of real patients.
        ratio: synthetic over real frames; None where the source sets their number.
        source: synthetic set; None for the baselines.
        augmentation: of its training.
        alone: trained on the synthetic frames without the real ones.
    """

    arm: Arm
    patients: Patients
    ratio: float | None = 0.0
    source: SyntheticSource | None = None
    augmentation: Augmentation = Augmentation.USUAL
    alone: bool = False

    @property
    def name(self) -> str:
        """Unique in the study; fit for file names."""
        parts = [str(self.arm), str(self.patients)]
        if self.source is not None:
            parts.append(f"n{self.source.nfe}" if self.ratio is None else f"x{self.ratio:g}".replace(".", "p"))
            parts += [str(self.source.masks)] * (self.source.masks is not Masks.AUGMENTED)
            parts += [str(self.augmentation)] * (self.augmentation is not Augmentation.USUAL)
            parts += ["alone"] * self.alone
        return "_".join(parts)

    @property
    def frames(self) -> str:
        """Name of the head of the synthetic set that it learns from."""
        assert self.source is not None
        return f"{self.source.name}_{self.ratio:g}".replace(".", "p")


REFERENCE = Cell(Arm.REAL, ALL)
"""Segmenter of all real frames: the upper end of every arm, and the judge of synthetic frames."""


def cells(study: UtilitySettings) -> list[Cell]:
    """All segmenters in the order in which they are trained; the reference first."""
    found = [REFERENCE]
    for patients in study.patients:
        found += [Cell(arm, patients) for arm in BASELINES]
        for arm in _synthetic(study):
            for masks in study.masks:
                source = SyntheticSource(arm, patients, masks)
                ratios = [ratio for ratio in study.ratios if ratio > 0]
                found += [
                    Cell(arm, patients, ratio, source, augmentation)
                    for ratio in ratios
                    for augmentation in study.augmentations
                ]
    if study.compute_nfe:
        found += [Cell(arm, _compute_patients(study)) for arm in BASELINES]
    for nfe in study.compute_nfe:
        source = SyntheticSource(Arm.DIFFUSION, _compute_patients(study), study.masks[0], nfe)
        found += [Cell(Arm.DIFFUSION, source.patients, None, source, alone=alone) for alone in (True, False)]
    return list(dict.fromkeys(found))


def sources(study: UtilitySettings) -> list[SyntheticSource]:
    """All synthetic sets that a segmenter learns from."""
    return list(dict.fromkeys(cell.source for cell in cells(study) if cell.source is not None))


def pairs(study: UtilitySettings) -> list[tuple[Cell, Cell]]:
    """Segmenters whose difference is reported, first minus second: with synthetic frames minus without, and so on."""
    every = cells(study)
    found = []
    for cell in every:
        if cell.arm is Arm.AFFINE:
            found.append((cell, Cell(Arm.REAL, cell.patients)))
        if cell.source is None:
            continue
        found += [(cell, Cell(arm, cell.patients)) for arm in BASELINES]
        if cell.ratio is None:
            most = max(study.compute_nfe)
            found += [(cell, other) for other in every if _differs_in_calls(cell, other) and _calls(other) == most]
        elif cell.arm in (Arm.DIFFUSION, Arm.ADAPTED):
            found += [(cell, other) for other in every if _differs_in_arm(cell, other)]
    return found


def frame_count(ratio: float, frames: int) -> int:
    """Synthetic frames at a ratio to ``frames`` real ones: the nearest whole number, halves up, at least one."""
    return max(1, math.floor(ratio * frames + 0.5))


def compute_images(calls: int, frames: int, nfe: int) -> int:
    """Images of ``nfe`` network calls that ``calls`` calls for each of ``frames`` real frames pay for."""
    return max(1, calls * frames // nfe)


def segmenter_options(cell: Cell, mixing: Mixing) -> dict[str, Any]:
    """Config ids in which the training of a cell differs from that of real frames."""
    strong = cell.arm is Arm.AFFINE or cell.augmentation is Augmentation.STRONG
    options = dict(STRONG_AFFINE) if strong else {}
    if cell.source is not None and not cell.alone and mixing is Mixing.ANNEALED:
        options |= ANNEALED
    return options


def mean_share(cell: Cell, mixing: Mixing, real: int, synthetic: int, epochs: int) -> float:
    """Share of synthetic frames among all that a segmenter sees in its training.

    Args:
        cell: the segmenter.
        mixing: how shares are set.
        real: number of real frames.
        synthetic: number of synthetic frames.
        epochs: length of the training.
    """
    if cell.source is None or cell.alone:
        return float(cell.alone)
    share = ANNEALED["extra_share"] if mixing is Mixing.ANNEALED else None
    sampler = AnnealedSampler(real + synthetic, synthetic, share, epochs, ANNEALED["extra_until"])
    return sum(sampler.extra_share(epoch) for epoch in range(1, epochs + 1)) / epochs


def line_of(cell: Cell) -> str:
    """What cells have in common that differ in the number of patients and the ratio alone."""
    parts = [str(cell.arm)]
    if cell.source is not None:
        parts += [str(cell.source.masks), str(cell.augmentation), *(["alone"] if cell.alone else [])]
    return "-".join(parts)


def line_title(cell: Cell, study: UtilitySettings) -> str:
    """Name of that in a legend; sources of masks and augmentations are named where there are several."""
    if cell.source is None:
        return ARM_TITLES[cell.arm]
    parts = [ARM_TITLES[cell.arm].removeprefix("Real + ").capitalize() if cell.alone else ARM_TITLES[cell.arm]]
    parts += [_MASK_TITLES[cell.source.masks]] * (len(study.masks) > 1)
    parts += ["strong affine augmentation"] * (cell.augmentation is Augmentation.STRONG)
    return ", ".join(parts)


def _synthetic(study: UtilitySettings) -> list[Arm]:
    return [arm for arm in Arm if arm in study.arms and arm not in BASELINES]


def _compute_patients(study: UtilitySettings) -> Patients:
    if study.compute_patients is not None:
        return study.compute_patients
    return max(study.patients, key=lambda count: math.inf if count == ALL else float(count))


def _calls(cell: Cell) -> int | None:
    return cell.source.nfe if cell.source else None


def _differs_in_calls(cell: Cell, other: Cell) -> bool:
    return other.ratio is None and other.alone == cell.alone and _calls(cell) != _calls(other)


def _differs_in_arm(cell: Cell, other: Cell) -> bool:
    """Whether a generator and another way to make frames differ in that alone; each pair once."""
    if other.source is None or cell.source is None or other.ratio is None:
        return False
    same = (cell.patients, cell.ratio, cell.augmentation, cell.source.masks) == (
        *(other.patients, other.ratio, other.augmentation),
        other.source.masks,
    )
    return same and list(Arm).index(other.arm) < list(Arm).index(cell.arm)
