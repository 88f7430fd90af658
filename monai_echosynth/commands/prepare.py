"""``echosynth prepare`` brings a data folder to one grid."""

from __future__ import annotations

import argparse
from pathlib import Path

from monai_echosynth.commands.options import Commands, add_command, add_option

__all__ = ["add", "run"]


def add(commands: Commands) -> argparse.ArgumentParser:
    """Adds the options."""
    command = add_command(
        commands, "prepare", run, "bring a data folder to one grid with semantic maps and patient splits"
    )
    add_option(
        command,
        "--data",
        type=Path,
        required=True,
        metavar="DIR",
        help="CAMUS (NIfTI or mhd), images/ and labels/, or one folder a class (BUSI)",
    )
    add_option(command, "--out", type=Path, required=True, metavar="DIR", help="folder to write")
    add_option(command, "--size", type=int, default=128, metavar="PIXELS", help="side of the square grid")
    add_option(command, "--n-test", type=int, metavar="N", help="test patients (all others train and validate)")
    add_option(command, "--max-train", type=int, default=398, metavar="N", help="most training and validation patients")
    add_option(command, "--views", nargs="+", metavar="VIEW", help="keep these views only")
    add_option(command, "--phases", nargs="+", metavar="PHASE", help="keep these phases only")
    add_option(command, "--split", choices=("auto", "official", "random"), default="auto", help="who tests")
    add_option(command, "--seed", type=int, default=0, metavar="S", help="of the random split")
    add_option(command, "--workers", type=int, default=2, metavar="N", help="threads")
    return command


def run(args: argparse.Namespace) -> int:
    """Brings a data folder to one grid; returns the exit code."""
    from monai_echosynth.workflows.prepare import prepare

    out = prepare(
        args.data,
        args.out,
        size=args.size,
        n_test=args.n_test,
        max_train=args.max_train,
        seed=args.seed,
        views=args.views,
        phases=args.phases,
        split=args.split,
        workers=args.workers,
    )
    print(f"prepared data in {out}")
    return 0
