"""Which sets are compared: solvers of the teacher at each number of calls, the student at those that it has."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from monai_echosynth.diffusion.solvers import make_solver

__all__ = ["CALLS", "CONSISTENCY", "GUIDED", "REFERENCE", "SOLVERS", "STUDENT", "TUNED", "Cell", "cells", "main_cells"]

CALLS: Final = (1, 2, 4, 8, 16, 31, 63)
SOLVERS: Final = ("dpmpp_2m", "unipc", "heun")
STUDENT: Final = "student"
CONSISTENCY: Final = "consistency"
"""A second student, by consistency tuning."""
TUNED: Final = "tuned"
"""UniPC on noise levels that were searched for the teacher."""
GUIDED: Final = "guided"
"""UniPC with autoguidance by a companion, whose calls count."""
STUDENT_CALLS: Final = (1, 2, 4)
FURTHER_CALLS: Final = {CONSISTENCY: STUDENT_CALLS, TUNED: (4, 8), GUIDED: (32,)}


class Cell(NamedTuple):
    """One synthetic set: by the teacher with a solver, on tuned levels or with guidance, or by the student."""

    method: str
    calls: int

    @property
    def name(self) -> str:
        """Name in files."""
        return f"{self.method}_{self.calls}"


REFERENCE: Final = Cell("heun", 63)
"""The teacher at its best."""


def cells(further: Sequence[str] = ()) -> list[Cell]:
    """All cells, the reference first, those of the ``further`` methods (``consistency``, ``tuned``, ``guided``) last.

    Heun's method takes two calls a step and one in the last, so the number next below where it cannot have that many. With one
    call all solvers are the same step, which is computed once.
    """
    found = [REFERENCE, *_of_student(), Cell(SOLVERS[0], 1)]
    for solver in SOLVERS:
        found += [cell for cell in _of_solver(solver) if cell not in found]
    return found + [Cell(method, calls) for method in further for calls in FURTHER_CALLS[method]]


def main_cells() -> list[Cell]:
    """Those that segmenters of several seeds are trained for."""
    return [REFERENCE, *(cell for cell in _of_student() if cell.calls > 1)]


def _of_student() -> list[Cell]:
    return [Cell(STUDENT, calls) for calls in STUDENT_CALLS]


def _of_solver(name: str) -> Iterator[Cell]:
    method = make_solver(name)
    for calls in CALLS[1:]:
        reached = method.nfe(method.steps(calls))
        if reached > 1:
            yield Cell(name, reached)
