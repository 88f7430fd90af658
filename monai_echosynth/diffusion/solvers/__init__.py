"""Samplers of the diffusion process, one method a file, found by name."""

from __future__ import annotations

from enum import StrEnum

from monai_echosynth.diffusion.solvers.ancestral import AncestralSolver
from monai_echosynth.diffusion.solvers.base import Solver
from monai_echosynth.diffusion.solvers.churn import ChurnSolver
from monai_echosynth.diffusion.solvers.consistency import ConsistencySolver
from monai_echosynth.diffusion.solvers.ddim import DDIMSolver
from monai_echosynth.diffusion.solvers.dpmpp_2m import DPMpp2MSolver
from monai_echosynth.diffusion.solvers.dpmpp_2m_sde import DPMpp2MSDESolver
from monai_echosynth.diffusion.solvers.dpmpp_3m import DPMpp3MSolver
from monai_echosynth.diffusion.solvers.euler import EulerSolver
from monai_echosynth.diffusion.solvers.heun import HeunSolver
from monai_echosynth.diffusion.solvers.unipc import UniPCSolver
from monai_echosynth.errors import EchoSynthError

__all__ = [
    "DETERMINISTIC",
    "FOR_TRAINED",
    "AncestralSolver",
    "ChurnSolver",
    "ConsistencySolver",
    "DDIMSolver",
    "DPMpp2MSDESolver",
    "DPMpp2MSolver",
    "DPMpp3MSolver",
    "EulerSolver",
    "HeunSolver",
    "Solver",
    "SolverName",
    "UniPCSolver",
    "make_solver",
]


class SolverName(StrEnum):
    """Names of the solvers."""

    EULER = "euler"
    HEUN = "heun"
    DPMPP_2M = "dpmpp_2m"
    DPMPP_2M_SDE = "dpmpp_2m_sde"
    DDIM = "ddim"
    ANCESTRAL = "ancestral"
    CHURN = "churn"
    DPMPP_3M = "dpmpp_3m"
    UNIPC = "unipc"
    CONSISTENCY = "consistency"


FOR_TRAINED = tuple(name for name in SolverName if name is not SolverName.CONSISTENCY)
"""Solvers that draw from a generator as it was trained; ``consistency`` draws from its few-step student alone."""

DETERMINISTIC = (
    SolverName.EULER,
    SolverName.HEUN,
    SolverName.DPMPP_2M,
    SolverName.DPMPP_3M,
    SolverName.UNIPC,
    SolverName.DDIM,
)
"""Solvers that draw no fresh noise: they tie each image to the noise it started from."""

_SOLVERS: dict[SolverName, type[Solver]] = {
    SolverName.EULER: EulerSolver,
    SolverName.HEUN: HeunSolver,
    SolverName.DPMPP_2M: DPMpp2MSolver,
    SolverName.DPMPP_2M_SDE: DPMpp2MSDESolver,
    SolverName.DDIM: DDIMSolver,
    SolverName.ANCESTRAL: AncestralSolver,
    SolverName.CHURN: ChurnSolver,
    SolverName.DPMPP_3M: DPMpp3MSolver,
    SolverName.UNIPC: UniPCSolver,
    SolverName.CONSISTENCY: ConsistencySolver,
}


def make_solver(name: SolverName | str) -> Solver:
    """Make a solver with its default settings.

    Args:
        name: a ``SolverName`` or its value.

    Raises:
        EchoSynthError: where the name is unknown.
    """
    if name not in list(SolverName):
        raise EchoSynthError(f"solver must be one of {', '.join(SolverName)}, got '{name}'; pick one of these")
    return _SOLVERS[SolverName(name)]()
