"""``echosynth verify`` checks a bundle folder."""

from __future__ import annotations

import argparse
from pathlib import Path

from monai_echosynth.commands.options import Commands, add_command, add_option

__all__ = ["add", "run"]


def add(commands: Commands) -> argparse.ArgumentParser:
    """Adds the options."""
    command = add_command(
        commands, "verify", run, "check a bundle folder: metadata, checksums, weights, workflow properties"
    )
    add_option(command, "--bundle", type=Path, required=True, metavar="DIR", help="bundle folder")
    add_option(command, "--data", type=Path, metavar="DIR", help="prepared data: the workflows are built on it, too")
    add_option(command, "--schema", type=Path, metavar="FILE", help="MONAI's metadata schema, to validate against")
    return command


def run(args: argparse.Namespace) -> int:
    """Checks a bundle folder; returns the exit code."""
    from monai_echosynth.workflows.check_list import format_checks
    from monai_echosynth.workflows.verify import verify_bundle

    checks = verify_bundle(args.bundle, args.data, args.schema)
    print(format_checks(checks))
    return 0 if all(check.passed is not False for check in checks) else 1
