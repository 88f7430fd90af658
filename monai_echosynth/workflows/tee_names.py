"""Names in the adaptation study: cells, the arms of each, and the folders in which their results lie.

A *cell* is a number of target frames with one adaptation: ``50`` for the default, ``50_spade`` for one it is compared with.
"""

from __future__ import annotations

from collections.abc import Mapping

from monai_echosynth.workflows.tee_settings import TeeSettings

__all__ = [
    *("ADAPTED_ARMS", "ARM_TITLES", "PLAIN_ARMS", "REFERENCE"),
    *("adapted_arms", "aligned", "cells", "generated", "segmenters", "synthetic_sets"),
]

PLAIN_ARMS = ("real", "affine")
"""Arms without synthetic frames, one each per number of frames; *affine* has the frames of *real* and a stronger augmentation."""

ADAPTED_ARMS = ("synthetic", "mixed", "aligned")
"""Arms with the synthetic frames of one cell; *mixed* goes over from synthetic to real ones in the course of its training, and so
does *aligned* with synthetic frames that were aligned to the real ones. Both are left out where adaptations are compared."""

REFERENCE = "reference"
"""Segmenter of all target frames there are: the upper end for every arm, and the judge of synthetic frames."""

ARM_TITLES: Mapping[str, str] = {
    "real": "Real frames",
    "affine": "Real frames, strong affine augmentation",
    "synthetic": "Synthetic frames only",
    "mixed": "Real and synthetic frames",
    "aligned": "Real and aligned synthetic frames",
    REFERENCE: "All real frames of the target",
}


def cells(study: TeeSettings) -> dict[str, tuple[int, str]]:
    """Cell to its number of frames and the name of its adaptation, empty for the default."""
    found = {str(count): (count, "") for count in study.frames}
    return found | {f"{study.frames[0]}_{name}": (study.frames[0], name) for name in study.compared}


def adapted_arms(name: str) -> tuple[str, ...]:
    """Arms of a cell by the name of its adaptation."""
    return ADAPTED_ARMS if not name else ADAPTED_ARMS[:1]


def generated(cell: str) -> tuple[str, str]:
    """Stages of the synthetic sets of a cell: from the masks of the target frames, and from the shape model."""
    return f"generate_{cell}", f"generate_shapes_{cell}"


def aligned(cell: str) -> tuple[str, str]:
    """Stages of the same sets, aligned to the target frames; there for the default adaptation alone."""
    first, second = generated(cell)
    return f"aligned_{first}", f"aligned_{second}"


def synthetic_sets(study: TeeSettings) -> list[str]:
    """All synthetic sets."""
    found = [name for cell in cells(study) for name in generated(cell)]
    return found + [name for cell, (_, adaptation) in cells(study).items() if not adaptation for name in aligned(cell)]


def segmenters(study: TeeSettings) -> list[str]:
    """All arms as ``<arm>_<frames>`` or ``<arm>_<cell>``, in reading order, the reference last."""
    names = [f"{arm}_{count}" for count in study.frames for arm in PLAIN_ARMS]
    names += [f"{arm}_{cell}" for cell, (_, name) in cells(study).items() for arm in adapted_arms(name)]
    return [*names, REFERENCE]
