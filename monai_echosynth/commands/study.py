"""``echosynth study`` compares generators: families x solvers x network calls, on the phantom or on prepared frames."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from monai_echosynth.commands.options import Commands, add_command, add_option

__all__ = ["add", "run"]


def add(commands: Commands) -> argparse.ArgumentParser:
    """Adds the options."""
    command = add_command(
        commands,
        "study",
        run,
        "compare generators in use, realism and speed; resumes, and shares its work with other processes",
    )
    data = "prepared data with test patients; the phantom when left out"
    grid = (
        "JSON file of families, solvers, numbers of network calls and budgets; a small one of the package when left out"
    )
    add_option(command, "--data", type=Path, metavar="DIR", help=data)
    add_option(command, "--grid", type=Path, metavar="FILE", help=grid)
    add_option(command, "--out", type=Path, default=Path("runs/study"), metavar="DIR", help="folder of the study")
    processes = "share the work among so many processes; one a GPU or a core, at most four, when left out"
    add_option(command, "--processes", type=int, metavar="N", help=processes)
    command.add_argument("--list", action="store_true", help="say what would be done, and stop")
    return command


def run(args: argparse.Namespace) -> int:
    """Runs the study, or this process's share; returns the exit code."""
    from monai_echosynth.errors import EchoSynthError
    from monai_echosynth.workflows.generator_grid import DEFAULT_GRID, read_grid
    from monai_echosynth.workflows.generator_plan import make_plan
    from monai_echosynth.workflows.generator_study import run_generator_study
    from monai_echosynth.workflows.local_processes import fitting_processes, run_processes

    if args.processes is not None and args.processes < 1:
        raise EchoSynthError(f"--processes must be at least 1, got {args.processes}: correct the number")
    grid = read_grid(args.grid or DEFAULT_GRID)
    plan = make_plan(grid, args.data)
    if args.list:
        print("\n".join([*plan.notes, *(cell.name for cell in plan.cells)]))
        return 0
    processes = args.processes or fitting_processes()
    if processes > 1 and "WORLD_SIZE" not in os.environ:
        return run_processes(_own_command(args), processes)
    print(f"report: {run_generator_study(args.out, args.data, grid)}")
    return 0


def _own_command(args: argparse.Namespace) -> list[str]:
    """The command line that this one was, for a process of its own."""
    named = {"--data": args.data, "--grid": args.grid, "--out": args.out}
    given = [word for name, value in named.items() if value is not None for word in (name, str(value))]
    return [sys.executable, "-m", "monai_echosynth", "study", *given, *(["--debug"] if args.debug else [])]
