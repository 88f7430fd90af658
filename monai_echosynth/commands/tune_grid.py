"""``echosynth tune-grid`` searches the noise levels at which a generator needs few calls."""

from __future__ import annotations

import argparse
from pathlib import Path

from monai_echosynth.commands.options import Commands, add_command, add_option

__all__ = ["SOLVERS", "add", "run"]

SOLVERS = ("euler", "heun", "dpmpp_2m", "ddim", "dpmpp_3m", "unipc")


def add(commands: Commands) -> argparse.ArgumentParser:
    """Adds the options."""
    command = add_command(
        commands,
        "tune-grid",
        run,
        "search the noise levels for few network calls and store them in the bundle; 'generate' then takes them",
    )
    add_option(command, "--bundle", type=Path, required=True, metavar="DIR", help="trained diffusion generator")
    add_option(command, "--data", type=Path, required=True, metavar="DIR", help="prepared data: validation masks")
    solvers = "solvers without fresh noise"
    add_option(command, "--solvers", nargs="+", choices=SOLVERS, default=["unipc"], metavar="NAME", help=solvers)
    add_option(command, "--calls", type=int, nargs="+", default=[5, 8], metavar="N", help="network calls an image")
    add_option(command, "--masks", type=int, default=8, metavar="N", help="validation masks")
    add_option(command, "--reference", type=int, default=63, metavar="N", help="network calls of the samples to reach")
    add_option(command, "--evaluations", type=int, default=60, metavar="N", help="grids to try for each")
    add_option(command, "--seed", type=int, default=0, metavar="S", help="of the noise")
    return command


def run(args: argparse.Namespace) -> int:
    """Searches and stores the grids; returns the exit code."""
    from monai_echosynth.workflows.tune_grid import GridSearchSettings, tune_grids

    settings = GridSearchSettings(args.masks, args.reference, args.evaluations, args.seed)
    tune_grids(args.bundle, args.data, args.solvers, args.calls, settings)
    print(f"grids in {args.bundle / 'models' / 'sigma_grids.json'}")
    return 0
