"""``echosynth zoo-gates`` puts bundles through the gates of MONAI's model zoo."""

from __future__ import annotations

import argparse
from pathlib import Path

from monai_echosynth.commands.options import Commands, add_command, add_option

__all__ = ["add", "run"]


def add(commands: Commands) -> argparse.ArgumentParser:
    """Adds the options."""
    command = add_command(
        commands,
        "zoo-gates",
        run,
        "put bundles through the gates of MONAI's model zoo: files, export, every config once",
    )
    bundles = "bundle folders, trained or not; all that are shipped when left out"
    add_option(command, "--bundle", type=Path, nargs="+", metavar="DIR", help=bundles)
    add_option(command, "--schema", type=Path, metavar="FILE", help="MONAI's metadata schema, to validate against")
    command.add_argument("--skip-runs", action="store_true", help="leave out the runs of the configs")
    return command


def run(args: argparse.Namespace) -> int:
    """Checks the bundles; returns the exit code."""
    from monai_echosynth.workflows.check_list import format_checks
    from monai_echosynth.workflows.zoo.gates import zoo_gates

    found = zoo_gates(args.bundle, args.schema, runs=not args.skip_runs)
    for folder, checks in found.items():
        print(f"{folder}\n{format_checks(checks)}\n")
    failed = [check for checks in found.values() for check in checks if check.passed is False]
    print(f"{len(found)} bundles, {sum(map(len, found.values()))} gates, {len(failed)} failed")
    return 1 if failed else 0
