"""``echosynth demo`` runs the whole study."""

from __future__ import annotations

import argparse
from pathlib import Path

from monai_echosynth.commands.options import PRESETS, Commands, add_command, add_option

__all__ = ["add", "run"]


def add(commands: Commands) -> argparse.ArgumentParser:
    """Adds the options."""
    command = add_command(commands, "demo", run, "run the whole study and write its report; skips what is done")
    add_option(command, "--data", type=Path, metavar="DIR", help="real frames; the embedded phantom when left out")
    add_option(command, "--out", type=Path, default=Path("runs/demo"), metavar="DIR", help="folder of the study")
    add_option(
        command, "--preset", choices=PRESETS, help="budget; quick on the phantom and cpu on real frames when left out"
    )
    add_option(command, "--seed", type=int, default=0, metavar="S", help="of everything")
    return command


def run(args: argparse.Namespace) -> int:
    """Runs the whole study; returns the exit code."""
    from monai_echosynth.workflows.demo import run_demo

    preset = args.preset or ("cpu" if args.data else "quick")
    report = run_demo(args.data, args.out, preset=preset, seed=args.seed)
    print(f"report: {report}")
    return 0
