"""Noise levels by solver and number of network calls, found for one network and stored beside its weights.

A table of a diffusion model holds grids that serve it better than those of its family; other solvers and numbers of calls take
the family's. The table of a few-step student is complete: at levels it was not made for a student draws nothing useful.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from monai_echosynth.diffusion.solvers import SolverName, make_solver
from monai_echosynth.errors import EchoSynthError

__all__ = ["GridTable"]


@dataclass(frozen=True)
class GridTable:
    """Sampling grids of one network.

    Attributes:
        grids: levels (calls' steps + 1), decreasing, last 0, by solver and network calls.
        complete: nothing else can be asked of the network.
        network_sha256: digest of the weights that the grids were found for; None for any.
    """

    grids: Mapping[str, Mapping[int, tuple[float, ...]]] = field(default_factory=dict)
    complete: bool = False
    network_sha256: str | None = None

    def sigmas(self, solver: SolverName | str, nfe: int) -> tuple[float, ...] | None:
        """The grid of a solver at the largest number of calls that it can make with ``nfe``; None where there is none.

        Raises:
            EchoSynthError: the table is complete and has no such grid.
        """
        if not self.complete and str(solver) not in self.grids:
            return None
        if self.complete and (str(solver) not in self.grids or nfe not in self.grids[str(solver)]):
            names = " or ".join(self.grids)
            calls = sorted(count for grids in self.grids.values() for count in grids)
            raise EchoSynthError(
                f"this few-step generator was trained for {', '.join(map(str, calls))} calls with the solver {names}, got {nfe} "
                f"with {solver}: ask for one of these"
            )
        method = make_solver(solver)
        return self.grids[str(solver)].get(method.nfe(method.steps(nfe)))

    def with_grid(self, solver: SolverName | str, nfe: int, levels: tuple[float, ...]) -> GridTable:
        """The same table with one grid added or replaced."""
        grids = {**self.grids, str(solver): {**self.grids.get(str(solver), {}), nfe: levels}}
        return GridTable(grids, self.complete, self.network_sha256)

    @classmethod
    def of_student(cls, levels: Sequence[float], network_sha256: str | None = None) -> GridTable:
        """The complete table of a few-step student for 1, 2 and 4 calls.

        Args:
            levels: four decreasing noise levels, the first one pure noise; one call takes the first, two the first and third.
            network_sha256: digest of its weights.

        Raises:
            EchoSynthError: there are not four decreasing levels.
        """
        if len(levels) != 4 or not all(a > b > 0 for a, b in pairwise(levels)):
            raise EchoSynthError(
                f"a few-step student needs four decreasing noise levels, got {list(levels)}: name four, all different"
            )
        first, second, third, fourth = (float(level) for level in levels)
        grids = {1: (first, 0.0), 2: (first, third, 0.0), 4: (first, second, third, fourth, 0.0)}
        return cls({str(SolverName.CONSISTENCY): grids}, True, network_sha256)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        grids = {name: {str(nfe): list(found[nfe]) for nfe in sorted(found)} for name, found in self.grids.items()}
        return {"network_sha256": self.network_sha256, "complete": self.complete, "grids": grids}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> GridTable:
        """Inverse of :meth:`to_dict`.

        Raises:
            EchoSynthError: a solver is unknown, or a grid is not decreasing, does not end with 0 or has another number of calls.
        """
        grids: dict[str, dict[int, tuple[float, ...]]] = {}
        for name, found in content.get("grids", {}).items():
            method = make_solver(name)
            grids[name] = {int(nfe): tuple(float(level) for level in levels) for nfe, levels in found.items()}
            for nfe, levels in grids[name].items():
                falling = len(levels) > 1 and levels[-1] == 0 and all(a > b for a, b in pairwise(levels))
                if not falling or method.nfe(len(levels) - 1) != nfe:
                    raise EchoSynthError(
                        f"a grid of {nfe} calls of {name} must be that many decreasing levels and a 0, got {list(levels)}: "
                        "search the grids again"
                    )
        return cls(grids, bool(content.get("complete", False)), content.get("network_sha256"))
