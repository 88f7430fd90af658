"""``echosynth demo-tee`` runs the adaptation study on the esophageal phantom."""

from __future__ import annotations

import argparse
from pathlib import Path

from monai_echosynth.commands.options import Commands, add_command, add_option

__all__ = ["add", "run"]


def add(commands: Commands) -> argparse.ArgumentParser:
    """Adds the options."""
    command = add_command(commands, "demo-tee", run, "adapt a generator to simulated TEE frames and write the report")
    base = "trained generator of the preset quick, as echosynth demo leaves it; trained here when left out"
    add_option(command, "--base", type=Path, metavar="DIR", help=base)
    add_option(command, "--out", type=Path, default=Path("runs/tee"), metavar="DIR", help="folder of the study")
    add_option(command, "--frames", type=int, default=50, metavar="N", help="target frames")
    add_option(command, "--seed", type=int, default=0, metavar="S", help="of everything")
    return command


def run(args: argparse.Namespace) -> int:
    """Runs the study; returns the exit code."""
    from monai_echosynth.workflows.tee_settings import TeeSettings
    from monai_echosynth.workflows.tee_study import run_tee_demo

    report = run_tee_demo(args.out, args.base, args.seed, TeeSettings(frames=args.frames))
    print(f"report: {report}")
    return 0
