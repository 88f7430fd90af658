"""The families of generators that are compared: what is denoised, by which diffusion process, and which solvers draw from it.

``edm-l64`` and ``edm-l128`` denoise latents of a quarter and of half the frame's side (64 and 128 of 256 pixels), the others the
frame itself. EDM, VE and VP are continuous in the noise level and every solver integrates them; SDM is a DDPM of 1000 levels,
which its own ancestral sampler and DDIM step through (section 2.5 and 3.2 of the efficient semantic diffusion paper).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from monai_echosynth.diffusion.solvers import SolverName
from monai_echosynth.errors import EchoSynthError

__all__ = ["PIXEL_FAMILIES", "Family", "fitting_nfe", "fitting_solver", "fitting_solvers", "named_family"]


class Family(StrEnum):
    """Families of diffusion models."""

    EDM_L64 = "edm-l64"
    """EDM on latents of a quarter of the frame's side."""
    EDM_L128 = "edm-l128"
    """EDM on latents of half the frame's side."""
    EDM = "edm"
    """EDM on frames."""
    VE = "ve"
    """Variance-exploding diffusion of frames."""
    VP = "vp"
    """Variance-preserving diffusion of frames."""
    SDM = "sdm"
    """DDPM of frames, 1000 noise levels."""


PIXEL_FAMILIES = frozenset({Family.EDM, Family.VE, Family.VP, Family.SDM})
"""Families without an autoencoder."""

_LIMITED: Mapping[Family, tuple[SolverName, ...]] = {Family.SDM: (SolverName.DDIM, SolverName.ANCESTRAL)}
_LEVELS: Mapping[Family, int] = {Family.SDM: 1000}


def named_family(name: Family | str) -> Family:
    """The family of a name.

    Raises:
        EchoSynthError: there is no such family.
    """
    if name not in list(Family):
        raise EchoSynthError(f"a family must be one of {', '.join(Family)}, got '{name}': pick one of these")
    return Family(name)


def fitting_solvers(family: Family | str) -> tuple[SolverName, ...]:
    """Solvers that draw from a family, its usual one first where not all do."""
    return _LIMITED.get(named_family(family), tuple(SolverName))


def fitting_solver(family: Family | str, solver: SolverName | str) -> str:
    """The name of ``solver``, checked.

    Raises:
        EchoSynthError: there is no such family or solver, or the solver does not draw from the family.
    """
    fitting = fitting_solvers(family)
    if solver not in fitting:
        raise EchoSynthError(
            f"the solver of a generator of the family {family} must be one of {', '.join(fitting)}, got '{solver}': "
            "pick one of these"
        )
    return str(SolverName(solver))


def fitting_nfe(family: Family | str, nfe: int) -> int:
    """The number of network calls an image, checked.

    Raises:
        EchoSynthError: there is no such family, or the number is below 1 or above the family's number of noise levels.
    """
    most = _LEVELS.get(named_family(family))
    if nfe < 1 or (most is not None and nfe > most):
        allowed = "at least 1" if most is None else f"1 to {most}, its noise levels"
        raise EchoSynthError(
            f"network evaluations an image of the family {family} must be {allowed}, got nfe = {nfe}: correct the number"
        )
    return nfe
