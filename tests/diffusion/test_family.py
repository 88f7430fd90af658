"""Which solvers and numbers of calls go with which family, and what is said where they do not."""

from __future__ import annotations

import pytest

from monai_echosynth.diffusion.family import (
    PIXEL_FAMILIES,
    Family,
    fitting_nfe,
    fitting_solver,
    fitting_solvers,
    named_family,
)
from monai_echosynth.diffusion.iddpm import IDDPM
from monai_echosynth.diffusion.solvers import SolverName
from monai_echosynth.errors import EchoSynthError


def test_every_solver_fits_continuous_families_and_two_fit_sdm() -> None:
    for family in set(Family) - {Family.SDM}:
        assert set(fitting_solvers(family)) == set(SolverName)
    assert fitting_solvers("sdm") == ("ddim", "ancestral")
    assert fitting_solver("sdm", "ancestral") == "ancestral"
    with pytest.raises(EchoSynthError, match="family sdm must be one of ddim, ancestral, got 'heun'"):
        fitting_solver(Family.SDM, SolverName.HEUN)
    with pytest.raises(EchoSynthError, match=r"one of euler, .*, got 'rk4'"):
        fitting_solver("ve", "rk4")


def test_calls_end_at_the_levels_of_sdm() -> None:
    levels = len(IDDPM(schedule="linear").sigmas(1000)) - 1  # type: ignore[arg-type]
    assert fitting_nfe("sdm", 1000) == levels == 1000
    assert fitting_nfe("edm", 5000) == 5000
    with pytest.raises(EchoSynthError, match="sdm must be 1 to 1000, its noise levels, got nfe = 1001"):
        fitting_nfe("sdm", 1001)
    for family in Family:
        with pytest.raises(EchoSynthError, match="got nfe = 0"):
            fitting_nfe(family, 0)


def test_unknown_families_are_named() -> None:
    assert named_family("ve") is Family.VE
    assert {family for family in Family if not family.startswith("edm-l")} == PIXEL_FAMILIES
    with pytest.raises(EchoSynthError, match=r"must be one of edm-l64, .*, sdm, got 'ddpm'"):
        named_family("ddpm")
