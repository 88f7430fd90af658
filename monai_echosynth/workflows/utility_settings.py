"""What the utility study compares, and its sizes and budgets."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeVar

from monai_echosynth.diffusion.solvers import FOR_TRAINED, make_solver
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.workflows.adaptation_settings import AdaptationSettings
from monai_echosynth.workflows.gan import GanSettings
from monai_echosynth.workflows.segmentation import SegmentationSettings
from monai_echosynth.workflows.training_settings import GenerativeSettings

__all__ = [
    *(
        "ALL",
        "UTILITY_PRESETS",
        "Arm",
        "Augmentation",
        "Masks",
        "Mixing",
        "Patients",
        "UtilityPreset",
        "UtilitySettings",
    ),
    *("is_whole", "member"),
]

ALL = "all"
"""Every training patient there is."""

Patients = int | str
"""A number of patients, or ``ALL``."""


class Arm(StrEnum):
    """What a segmenter is trained on beside the real frames."""

    REAL = "real"
    """Nothing."""
    AFFINE = "affine"
    """Nothing; the affine augmentation is strong (:data:`~monai_echosynth.workflows.tee_settings.STRONG_AFFINE`)."""
    SYNTHSEG = "synthseg"
    """Frames painted from the masks with random gray levels."""
    GAN = "gan"
    """Frames of a SPADE-GAN that was trained on the same patients."""
    DIFFUSION = "diffusion"
    """Frames of a diffusion model that was trained on the same patients and nothing else."""
    ADAPTED = "adapted"
    """Frames of a diffusion model of the phantom, adapted to the same patients."""


class Masks(StrEnum):
    """Where the masks of synthetic frames come from; always from the same patients."""

    REAL = "real"
    """The masks as they are, with new noise."""
    AUGMENTED = "augmented"
    """Warped copies of them."""
    SHAPES = "shapes"
    """Samples of a shape model of them."""


class Augmentation(StrEnum):
    """Affine augmentation of a segmenter that sees synthetic frames."""

    USUAL = "usual"
    """That of the arm *real*."""
    STRONG = "strong"
    """That of the arm *affine*."""


class Mixing(StrEnum):
    """How often a segmenter sees a synthetic frame."""

    ANNEALED = "annealed"
    """Mostly at first, never in the second half of its training."""
    PROPORTIONAL = "proportional"
    """By the numbers of frames, from beginning to end."""


_WHOLE = (
    *("nfe", "compute_calls", "latents", "judged", "seed", "phantom_patients", "test_patients", "max_train"),
    "base_patients",
)


@dataclass(frozen=True)
class UtilitySettings:
    """The study.

    Attributes:
        generator: size and budget of the diffusion model of the arm *diffusion*; frames of all arms have its size.
        gan: size and budget of the SPADE-GAN.
        adaptation: of the arm *adapted*.
        base: size and budget of the diffusion model that is adapted, where none is given.
        segmentation: budget of every segmenter.
        patients: numbers of real patients, a study each; smaller sets are contained in larger ones.
        ratios: synthetic over real frames.
        arms: what is compared; *real* and *affine* are always there.
        masks: sources of masks, a line each.
        augmentations: of the segmenters that see synthetic frames, a line each.
        mixing: share of synthetic frames in a training.
        pool: synthetic over real frames that are made; every ratio takes the first ones of them.
        nfe: network calls per image.
        solver: numerical method of generation.
        compute_nfe: numbers of network calls per image that are compared at equal compute.
        compute_calls: network calls per real frame that each of them has.
        compute_patients: number of patients of that comparison; the largest of ``patients`` when None.
        latents: least number of latents that a diffusion model is trained on; few frames are warped more often.
        phantom_patients: patients of the phantom, where no data are given.
        test_patients: test patients of data that are not prepared yet; the rule of ``echosynth prepare`` when None.
        max_train: most patients in training and validation together, likewise.
        base_patients: patients of the phantom that the base is trained on.
        judged: synthetic frames of each set that are judged and audited at most.
        seed: seed of everything.

    Raises:
        EchoSynthError: a choice is unknown or out of range.
    """

    generator: GenerativeSettings
    gan: GanSettings
    adaptation: AdaptationSettings
    base: GenerativeSettings
    segmentation: SegmentationSettings
    patients: tuple[Patients, ...] = (10, 45)
    ratios: tuple[float, ...] = (0.0, 1.0)
    arms: tuple[Arm, ...] = tuple(Arm)
    masks: tuple[Masks, ...] = (Masks.AUGMENTED,)
    augmentations: tuple[Augmentation, ...] = (Augmentation.USUAL,)
    mixing: Mixing = Mixing.ANNEALED
    pool: float = 5.0
    nfe: int = 24
    solver: str = "dpmpp_2m_sde"
    compute_nfe: tuple[int, ...] = ()
    compute_calls: int = 96
    compute_patients: Patients | None = None
    latents: int = 1024
    phantom_patients: int = 80
    test_patients: int | None = None
    max_train: int = 398
    base_patients: int = 100
    judged: int = 200
    seed: int = 0

    def __post_init__(self) -> None:
        for name, kind in (("arms", Arm), ("masks", Masks), ("augmentations", Augmentation)):
            object.__setattr__(self, name, tuple(member(kind, value, name) for value in getattr(self, name)))
        object.__setattr__(self, "mixing", member(Mixing, self.mixing, "mixing"))
        for name in ("patients", "ratios", "masks", "augmentations"):
            values = getattr(self, name)
            if not values or len(set(values)) < len(values):
                raise EchoSynthError(f"'{name}' needs values, each once, got {list(values)}: correct the settings")
        for count in (*self.patients, *([] if self.compute_patients is None else [self.compute_patients])):
            if count != ALL and not is_whole(count):
                raise EchoSynthError(f"a number of patients is 1 or more, or '{ALL}', got {count!r}: correct it")
        if not _number(self.pool) or self.pool <= 0:
            raise EchoSynthError(f"the pool is a positive number of frames per real one, got {self.pool!r}: correct it")
        for ratio in self.ratios:
            if not _number(ratio) or ratio < 0:
                raise EchoSynthError(f"a ratio of synthetic to real frames is 0 or more, got {ratio!r}: correct it")
            if ratio > self.pool:
                raise EchoSynthError(
                    f"ratios go up to the pool of {self.pool:g} synthetic frames per real one, got {ratio:g}: raise the pool"
                )
        for name in _WHOLE:
            value, least = getattr(self, name), 0 if name == "seed" else 1
            if not is_whole(value, least) and not (name == "test_patients" and value is None):
                raise EchoSynthError(f"'{name}' is a whole number from {least} on, got {value!r}: correct it")
        if self.solver not in FOR_TRAINED:
            raise EchoSynthError(f"'solver' must be among {', '.join(FOR_TRAINED)}, got {self.solver!r}: correct it")
        for calls in (self.nfe, *self.compute_nfe):
            if is_whole(calls) and not make_solver(self.solver).reaches(calls):
                raise EchoSynthError(
                    f"{self.solver} cannot make exactly {calls} network calls an image: take {calls - 1}"
                )
        for calls in self.compute_nfe:
            if not is_whole(calls) or calls > self.compute_calls:
                raise EchoSynthError(
                    f"network calls per image are between 1 and the {self.compute_calls} that a real frame's share allows, got "
                    f"{calls!r}: choose fewer, or raise compute_calls"
                )

    @property
    def size(self) -> int:
        """Side of all frames in pixels."""
        return self.generator.spatial_size

    def generator_for(self, frames: int) -> GenerativeSettings:
        """Settings of a diffusion model of ``frames`` frames: the fewer, the more often each is warped, 64 times at most."""
        wanted = math.ceil(self.latents / frames)
        return replace(self.generator, variants=max(self.generator.variants, min(wanted, 64)))


Kind = TypeVar("Kind", bound=StrEnum)


def member(kind: type[Kind], value: object, name: str) -> Kind:
    """The member of ``kind`` that ``value`` names.

    Raises:
        EchoSynthError: there is none; the message says ``name``.
    """
    try:
        return kind(str(value))
    except ValueError:
        raise EchoSynthError(f"'{name}' must be among {', '.join(kind)}, got {value!r}: correct it") from None


def is_whole(value: object, least: int = 1) -> bool:
    """Whether a value is a whole number from ``least`` on."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
