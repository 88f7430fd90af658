"""What the generator study compares, from one small JSON file: families x solvers x numbers of network calls.

A *cell* is one synthetic set: a family, a solver and a number of calls. Not every combination is one. A solver that does not draw
from a family, and a number of calls that a solver cannot reach (Heun's method takes odd ones), come about naturally where lists
are crossed, so such cells are left out and said to be. What can only be a mistake is an error: unknown names, a family or a
solver without any cell, and a number of calls that was asked of one solver by name and that it cannot reach.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final, NamedTuple

from monai_echosynth.diffusion.family import Family, fitting_nfe, fitting_solvers
from monai_echosynth.diffusion.solvers import FOR_TRAINED, make_solver
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.workflows.training_settings import Preset

__all__ = ["DEFAULT_GRID", "GAN", "REAL", "Cell", "StudyGrid", "cells_of", "parse_grid", "read_grid"]

GAN: Final = "spade-gan"
"""The family without solver: one call an image."""

REAL: Final = "real"
"""The row of real training frames beside the cells."""

FAMILIES: Final = (*(str(family) for family in Family), GAN)
DEFAULT_GRID: Final = Path(__file__).with_name("default_grid.json")


class Cell(NamedTuple):
    """One synthetic set; a GAN has no solver."""

    family: str
    solver: str | None
    nfe: int

    @property
    def name(self) -> str:
        """Name in files and tables of numbers."""
        return self.family if self.solver is None else f"{self.family}_{self.solver}_{self.nfe}"

    @property
    def line(self) -> str:
        """The cells that differ in the number of calls alone have one line in the figures."""
        return self.family if self.solver is None else f"{self.family}_{self.solver}"


@dataclass(frozen=True)
class StudyGrid:
    """A grid; the names are the keys of the file.

    Attributes:
        families: of :class:`~monai_echosynth.diffusion.family.Family`, or ``spade-gan``.
        solvers: of :data:`~monai_echosynth.diffusion.solvers.FOR_TRAINED`.
        nfe: network calls an image, for all solvers or by solver.
        preset: sizes of the networks and budgets.
        size: side of the frames in pixels; that of the prepared data, or else of the preset, when omitted.
        frames: frames of a set; one a training mask when omitted.
        budget: epochs of every generator, as a multiple of the preset's.
        segmenter_steps: optimizer steps of every segmenter; the preset's when omitted.
        view_steps: optimizer steps of every view classifier; the preset's when omitted.
        patients: patients of the phantom, where no data are given.
        test_patients: of them, held out.
        batch_size: images computed together; on a CPU without influence.
        seed: of everything.
    """

    families: tuple[str, ...]
    solvers: tuple[str, ...] = ()
    nfe: tuple[int, ...] | Mapping[str, tuple[int, ...]] = field(default_factory=tuple)
    preset: Preset = Preset.CPU
    size: int | None = None
    frames: int | None = None
    budget: float = 1.0
    segmenter_steps: int | None = None
    view_steps: int | None = None
    patients: int = 100
    test_patients: int = 30
    batch_size: int = 8
    seed: int = 0


def read_grid(path: str | Path) -> StudyGrid:
    """The grid of a file.

    Raises:
        EchoSynthError: the file is not there or no JSON object, or as :func:`parse_grid`.
    """
    path = Path(path)
    if not path.is_file():
        raise EchoSynthError(f"a grid is a JSON file, got {path}, which is none: check the path")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise EchoSynthError(f"a grid must be whole JSON, got {path} ({error}): correct the file") from error
    if not isinstance(content, dict):
        raise EchoSynthError(f"a grid is a JSON object, got another value in {path}: write {{...}} around it")
    try:
        return parse_grid(content)
    except EchoSynthError as error:
        raise EchoSynthError(f"{path}: {error}") from error


def parse_grid(content: Mapping[str, Any]) -> StudyGrid:
    """The grid of the content of a file, checked as :func:`cells_of` does.

    Raises:
        EchoSynthError: a key is unknown or missing, a value is of another kind or out of range, or a name is unknown.
    """
    known = [one.name for one in fields(StudyGrid)]
    unknown = [key for key in content if key not in known]
    if unknown:
        raise EchoSynthError(f"the keys of a grid are {', '.join(known)}, got '{unknown[0]}': correct it")
    values = dict(content)
    values["families"] = _names("families", content.get("families"), FAMILIES)
    if not values["families"]:
        raise EchoSynthError(f"a grid names at least one family of {', '.join(FAMILIES)}, got none: add 'families'")
    values["solvers"] = _names("solvers", content.get("solvers", []), FOR_TRAINED)
    values["nfe"] = _calls(content.get("nfe", []), values["solvers"])
    if content.get("preset", Preset.CPU) not in list(Preset):
        raise EchoSynthError(
            f"'preset' must be one of {', '.join(Preset)}, got {content['preset']!r}: pick one of these"
        )
    values["preset"] = Preset(content.get("preset", Preset.CPU))
    for key in ("size", "frames", "segmenter_steps", "view_steps"):
        if content.get(key) is not None:
            _whole(key, content[key], 1)
    for key, least in (("patients", 3), ("test_patients", 1), ("batch_size", 1), ("seed", 0)):
        if key in content:
            _whole(key, content[key], least)
    budget = content.get("budget", 1.0)
    if isinstance(budget, bool) or not isinstance(budget, int | float) or not 0 < budget < float("inf"):
        raise EchoSynthError(f"'budget' must be a positive number, got {budget!r}: use 1 for the preset's")
    grid = StudyGrid(**values)
    _check_sizes(grid)
    cells_of(grid)
    return grid


def cells_of(grid: StudyGrid) -> tuple[list[Cell], list[str]]:
    """The cells in the order of the lists, and a line for each combination that is none.

    Raises:
        EchoSynthError: a family or a solver has no cell, or a number of calls is asked of a solver by name and out of its reach.
    """
    cells, left_out = list[Cell](), list[str]()
    reached = {solver: _reached(grid, solver, left_out) for solver in grid.solvers}
    for family in grid.families:
        if family == GAN:
            cells.append(Cell(GAN, None, 1))
            continue
        fitting = [solver for solver in grid.solvers if solver in fitting_solvers(family)]
        if not fitting:
            allowed = ", ".join(fitting_solvers(family))
            raise EchoSynthError(
                f"the family {family} needs at least one solver of {allowed}, got {', '.join(grid.solvers) or 'none'}: add one"
            )
        for solver in grid.solvers:
            if solver in fitting:
                cells += [Cell(family, solver, fitting_nfe(family, calls)) for calls in reached[solver]]
            else:
                left_out.append(
                    f"{family} with {solver} is left out: {', '.join(fitting_solvers(family))} draw from it"
                )
    idle = [solver for solver in grid.solvers if not any(cell.solver == solver for cell in cells)]
    if idle:
        raise EchoSynthError(
            f"the solver {idle[0]} draws from none of the families {', '.join(grid.families)}: remove it or add a family"
        )
    return cells, left_out


def _reached(grid: StudyGrid, solver: str, left_out: list[str]) -> tuple[int, ...]:
    """Numbers of calls that a solver can take; says which it cannot."""
    by_name = isinstance(grid.nfe, Mapping)
    asked = grid.nfe[solver] if isinstance(grid.nfe, Mapping) else grid.nfe
    method = make_solver(solver)
    missed = [calls for calls in asked if not method.reaches(calls)]
    if len(missed) == len(asked) or (missed and by_name):
        step = method.evaluations_per_step
        rule = "any number" if step == 1 else f"1, {1 + step}, {1 + 2 * step}, ..."
        got = ", ".join(map(str, missed)) or "none"
        raise EchoSynthError(f"the network calls of {solver} are {rule}, got nfe {got}: correct the number")
    if missed:
        numbers = ", ".join(map(str, missed))
        left_out.append(f"{solver} with {numbers} calls is left out: it makes 2 calls a step and 1 in the last")
    return tuple(calls for calls in asked if calls not in missed)


def _names(key: str, value: Any, known: tuple[str, ...]) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise EchoSynthError(f"'{key}' must be a list of names, got {value!r}: choose among {', '.join(known)}")
    for name in value:
        if name not in known:
            raise EchoSynthError(f"'{key}' must be among {', '.join(known)}, got {name!r}: correct the name")
    if len(set(value)) < len(value):
        raise EchoSynthError(f"each of '{key}' stands once, got {', '.join(value)}: remove the repeated one")
    return tuple(value)


def _calls(value: Any, solvers: tuple[str, ...]) -> tuple[int, ...] | dict[str, tuple[int, ...]]:
    if isinstance(value, Mapping):
        if set(value) != set(solvers):
            raise EchoSynthError(
                f"'nfe' by solver names the solvers {', '.join(solvers)}, got {', '.join(value)}: name each once"
            )
        return {solver: _numbers(value[solver]) for solver in solvers}
    return _numbers(value) if value != [] else ()


def _numbers(value: Any) -> tuple[int, ...]:
    if not isinstance(value, list) or not value:
        raise EchoSynthError(
            f"'nfe' is a list of network calls, or one for each solver, got {value!r}: write [5, 20, 50]"
        )
    for calls in value:
        _whole("nfe", calls, 1)
    return tuple(sorted(set(value)))


def _whole(key: str, value: Any, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise EchoSynthError(f"'{key}' must be a whole number of at least {least}, got {value!r}: correct it")


def _check_sizes(grid: StudyGrid) -> None:
    step = 64 if grid.preset is Preset.PAPER else 32
    if grid.size is not None and grid.size % step:
        raise EchoSynthError(
            f"'size' must be a multiple of {step} with the preset {grid.preset}, got {grid.size}: round it, the networks halve it"
        )
    if grid.test_patients > grid.patients - 2:
        raise EchoSynthError(
            f"'test_patients' must leave 2 of {grid.patients} patients to train and validate, got {grid.test_patients}: lower it"
        )
